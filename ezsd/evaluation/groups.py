"""Means over base classes, over novel ones, and over both."""

import numpy as np
from numpy.typing import ArrayLike

from ezsd.split import Split

GROUPS = ("base", "novel", "all")
DECIMALS = 4
"""Digits kept of a percentage: the rounding stays under 1e-6 of the share."""


def percent_by_group(shares: ArrayLike, labels: ArrayLike, split: Split) -> dict[str, float | None]:
    """Mean share of each group, in percent rounded to `DECIMALS`.

    Args:
        shares: (N,) values in 0..1, or booleans; NaN where there is nothing to count.
        labels: (N,) index into `split.names` that each value belongs to.

    Returns:
        `{"base": ..., "novel": ..., "all": ...}`; None for a group without any value.
    """
    values = np.asarray(shares, dtype=np.float64).reshape(-1)
    labels = np.asarray(labels, dtype=np.int64).reshape(-1)
    is_base = labels < len(split.base)
    members = {"base": is_base, "novel": ~is_base, "all": np.ones_like(is_base)}
    return {group: _percent(values[members[group]]) for group in GROUPS}


def as_percent(share: float) -> float | None:
    """`0.123456789` -> `12.3457`; None for NaN, since JSON has no such number."""
    return None if np.isnan(share) else round(100 * float(share), DECIMALS)


def _percent(values: np.ndarray) -> float | None:
    counted = values[~np.isnan(values)]
    return as_percent(counted.mean()) if len(counted) else None
