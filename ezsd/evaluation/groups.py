"""Means over base, novel and all names, and over the rare, common and frequent names of LVIS."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ezsd.split import Split

GROUPS = ("base", "novel", "all")
DECIMALS = 4
"""Decimals of a percentage; the rounding error is below 1e-6 of the fraction."""
FREQUENCIES = {"r": "rare", "c": "common", "f": "frequent"}
"""LVIS's frequencies: in at most 10 training photos, in at most 100, in more."""


def percent_by_group(shares: ArrayLike, labels: ArrayLike, split: Split) -> dict[str, float | None]:
    """Mean of each group, in percent.

    Args:
        shares: `(N,)` in [0, 1], or booleans; NaN is left out.
        labels: `(N,)`, the name of each value, an index into `split.names`.
        split: base and novel names.

    Returns:
        `{"base": ..., "novel": ..., "all": ...}`, rounded to `DECIMALS`; None for a group without values.
    """
    values = np.asarray(shares, dtype=np.float64).reshape(-1)
    labels = np.asarray(labels, dtype=np.int64).reshape(-1)
    is_base = labels < len(split.base)
    members = {"base": is_base, "novel": ~is_base, "all": np.ones_like(is_base)}
    return {group: _percent(values[members[group]]) for group in GROUPS}


def percent_by_frequency(ap: ArrayLike, frequencies: Sequence[str]) -> dict[str, float | None]:
    """Mean AP of rare, common and frequent classes, in percent.

    Args:
        ap: `(C,)` in [0, 1]; NaN for a class without objects.
        frequencies: C keys of `FREQUENCIES`; empty strings if the data set has none.

    Returns:
        `{"APr": ..., "APc": ..., "APf": ...}`; empty when no class has a frequency.
    """
    values, kinds = np.asarray(ap, dtype=np.float64), np.array(frequencies)
    return {f"AP{kind}": _percent(values[kinds == kind]) for kind in FREQUENCIES} if any(frequencies) else {}


def as_percent(share: float) -> float | None:
    """A fraction in percent: `0.123456789` -> `12.3457`; None for NaN, which JSON does not have."""
    return None if np.isnan(share) else round(100 * float(share), DECIMALS)


def _percent(values: np.ndarray) -> float | None:
    counted = values[~np.isnan(values)]
    return as_percent(counted.mean()) if len(counted) else None
