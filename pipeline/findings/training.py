"""Findings in the losses of a training."""

from collections.abc import Iterator, Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from ezsd.pipeline.findings.finding import Finding

ENOUGH, WINDOWS = 100, 10
"""Steps from which on losses are looked at, and windows of equal length whose means are compared."""

FALLEN = 0.95
"""Last loss over first: a new classifier alone makes the loss fall by more in its first steps."""

CLIMB = 1.2
"""Last loss over lowest: a decaying learning rate ends near the lowest loss."""

NOISE = 3.0
"""Standard errors of a difference between windows; the lowest of ten is compared, so two would be too few."""

_FIX = "lower the learning rate, warm up longer, and look at history.csv"
_FIX_STALLED = "raise the learning rate or train longer, and look at history.csv"


def loss_findings(totals: Sequence[float]) -> Iterator[Finding]:
    """Yield a finding if the loss climbs or stalls; `totals` has the sum of all losses of each step."""
    if len(totals) < ENOUGH:
        return
    windows = [np.array(window) for window in np.array_split(np.asarray(totals, np.float64), WINDOWS)]
    first, last = windows[0], windows[-1]
    lowest = min(windows, key=np.mean)
    if _is_above(last, first, 1.0):
        limit, what = float(first.mean()), "loss at the end, against the start,"
        yield Finding("diverged-loss", what, float(last.mean()), limit, _FIX)
    elif _is_above(last, lowest, CLIMB):
        limit, what = CLIMB * float(lowest.mean()), "loss at the end, against its lowest,"
        yield Finding("climbing-loss", what, float(last.mean()), limit, _FIX)
    elif last.mean() > FALLEN * first.mean():
        limit, what = FALLEN * float(first.mean()), "loss at the end, against the start,"
        yield Finding("stalled-loss", what, float(last.mean()), limit, _FIX_STALLED)


def _is_above(one: NDArray[np.float64], other: NDArray[np.float64], factor: float) -> bool:
    """Whether the mean of `one` exceeds that of `other` times the factor by more than chance."""
    error = sqrt(one.var() / len(one) + factor**2 * other.var() / len(other))
    return bool(one.mean() > factor * other.mean() + NOISE * error)
