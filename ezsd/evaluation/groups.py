"""Means over base classes, over novel ones, and over both; over LVIS's rare, common and frequent ones."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ezsd.split import Split

GROUPS = ("base", "novel", "all")
DECIMALS = 4
"""Digits kept of a percentage: the rounding stays under 1e-6 of the share."""
FREQUENCIES = {"r": "rare", "c": "common", "f": "frequent"}
"""How LVIS sorts names: in at most 10 training photos, in at most 100, in more."""


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


def percent_by_frequency(ap: ArrayLike, frequencies: Sequence[str]) -> dict[str, float | None]:
    """Mean AP of rare, common and frequent classes: `{"APr": ..., "APc": ..., "APf": ...}`, in percent.

    Args:
        ap: (C,) values in 0..1; NaN where a class has nothing to find.
        frequencies: C keys of `FREQUENCIES`; empty where the data set does not sort its names.

    Returns:
        The means; empty when no class has a frequency.
    """
    values, kinds = np.asarray(ap, dtype=np.float64), np.array(frequencies)
    return {f"AP{kind}": _percent(values[kinds == kind]) for kind in FREQUENCIES} if any(frequencies) else {}


def as_percent(share: float) -> float | None:
    """`0.123456789` -> `12.3457`; None for NaN, since JSON has no such number."""
    return None if np.isnan(share) else round(100 * float(share), DECIMALS)


def _percent(values: np.ndarray) -> float | None:
    counted = values[~np.isnan(values)]
    return as_percent(counted.mean()) if len(counted) else None
