"""Findings in mined proposals."""

from collections.abc import Iterator

import numpy as np

from ezsd.cache.artifacts import Mined
from ezsd.pipeline.findings.finding import Finding

PER_PHOTO = 1.0
"""Proposals per photo; with fewer, most photos teach the student base objects alone."""

WITH_PROPOSALS = 0.2
"""Fraction of photos; with fewer, distillation learns the look of a few photos."""

FREQUENT = 0.9
"""Fraction of the proposals with the commonest name; no name is on nearly all objects of a usual data set."""

ENOUGH = 100
"""Proposals from which on shares of names are looked at; among fewer, one name may lead by chance."""

_FIX_FEW = "raise mine.base_iou, lower mine.stride, or check names and weights of the teacher"
_FIX_NAMES = "look at `ezsd-cli inspect proposals`, and check names, prompts and weights of the teacher"


def mining_findings(mined: Mined) -> list[Finding]:
    """Return what looks wrong in the proposals of all photos."""
    counts, per_name = _count(mined)
    return [*_findings_of_counts(counts), *_findings_of_names(per_name, mined)]


def _findings_of_counts(counts: np.ndarray) -> Iterator[Finding]:
    if not counts.any():
        yield Finding("no-proposals", "proposals", 0.0, 1.0, _FIX_FEW)
        return
    mean, share = float(counts.mean()), float((counts > 0).mean())
    if mean < PER_PHOTO:
        yield Finding("few-proposals", "proposals per photo", mean, PER_PHOTO, _FIX_FEW)
    if share < WITH_PROPOSALS:
        what = "fraction of photos with proposals"
        yield Finding("few-photos-with-proposals", what, share, WITH_PROPOSALS, _FIX_FEW)


def _findings_of_names(per_name: np.ndarray, mined: Mined) -> Iterator[Finding]:
    """Compare the names that proposals have: base names only where the miner does not filter them."""
    total, candidates = int(per_name.sum()), len(mined.names) - mined.base_count
    if total < ENOUGH or candidates < 2:
        return
    first = int(per_name.argmax())
    share, what = float(per_name[first]) / total, f"fraction of proposals named {mined.names[first]!r}"
    if share == 1:
        yield Finding("one-name", what, share, FREQUENT, _FIX_NAMES)
    elif share > FREQUENT:
        yield Finding("frequent-name", what, share, FREQUENT, _FIX_NAMES)


def _count(mined: Mined) -> tuple[np.ndarray, np.ndarray]:
    """Return the proposals of each photo (N,), and of each name (C,)."""
    counts, per_name = [], np.zeros(len(mined.names), np.int64)
    for shard in range(mined.store.shards):
        rows = mined.store.read_shard(shard, ["count", "labels"])
        stored = np.arange(rows["labels"].shape[1]) < rows["count"][:, None]
        counts.append(rows["count"])
        per_name += np.bincount(rows["labels"][stored], minlength=len(per_name))
    return np.concatenate(counts), per_name
