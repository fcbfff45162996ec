"""How likely a mined box is right, as a function of its score: Platt scaling (Platt, 1999).

It is fitted on base names that are mined as if they were novel: their boxes are known. Those of novel names
are never read.
"""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

RIDGE, STEPS = 1e-2, 50
CLOSEST = 1e-6
"""Confidences are kept this far from 0 and 1, where log-odds are infinite."""


@dataclass(frozen=True)
class Calibration:
    """Probability of being right = sigmoid(slope * value + offset).

    Attributes:
        slope: at least 0, so that a higher value is never less likely to be right.
        offset: of the log-odds.
        boxes: number of boxes that it was fitted on.
        right: how many of them were right.
    """

    slope: float
    offset: float
    boxes: int
    right: int

    def probability(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of being right, float64 `(N,)` in [0, 1], of values `(N,)`; 0 without a right box."""
        if not self.right:
            return np.zeros(len(values))
        return _sigmoid(self.slope * values + self.offset)

    def to_dict(self) -> dict[str, float]:
        """Plain values for JSON."""
        return asdict(self)


def log_odds(confidence: NDArray[np.float32]) -> NDArray[np.float64]:
    """Log-odds, float64 `(N,)`, of probabilities `(N,)`."""
    inner = np.clip(confidence.astype(np.float64), CLOSEST, 1 - CLOSEST)
    return np.log(inner / (1 - inner))


def fit_calibration(values: NDArray[np.float64], right: NDArray[np.bool_]) -> Calibration:
    """Fit by maximum likelihood with Platt's smoothed targets and a slight ridge on the slope.

    Args:
        values: float64 `(N,)`, for instance log-odds of confidences; N may be 0.
        right: bool `(N,)`, whether the box lies on an object of its name.

    Returns:
        A constant, the share of right boxes, where right boxes have no higher values.
    """
    total, good = len(values), int(right.sum())
    if not total:
        return Calibration(0.0, 0.0, 0, 0)
    high, low = (good + 1) / (good + 2), 1 / (total - good + 2)
    targets = np.where(right, high, low)
    slope, offset = _newton(values, targets)
    if slope < 0:
        mean = float(targets.mean())
        slope, offset = 0.0, float(np.log(mean / (1 - mean)))
    return Calibration(slope, offset, total, good)


def _newton(values: NDArray[np.float64], targets: NDArray[np.float64]) -> tuple[float, float]:
    rows = np.stack([values, np.ones_like(values)], axis=1)
    penalty, weights = np.diag([RIDGE, CLOSEST]), np.zeros(2)
    for _ in range(STEPS):
        likely = _sigmoid(rows @ weights)
        curvature = (rows * (likely * (1 - likely))[:, None]).T @ rows + penalty
        step = np.linalg.solve(curvature, rows.T @ (targets - likely) - penalty @ weights)
        weights = weights + np.clip(step, -1, 1)
    return float(weights[0]), float(weights[1])


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-np.clip(values, -50, 50)))
