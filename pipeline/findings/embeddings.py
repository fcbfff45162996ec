"""Findings in the embeddings of proposals."""

from collections.abc import Iterator

import numpy as np

from ezsd.cache.artifacts import Embedded
from ezsd.cache.quantize import expected_cosines
from ezsd.pipeline.findings.finding import Finding

FAITHFUL = 0.999
"""Mean cosine of int8 embeddings with the exact ones; those of CLIP reach 0.9999."""

SHARDS = 8
"""Shards that are looked at, evenly spaced: a store can be too large to read once more."""


def embedding_findings(embedded: Embedded) -> Iterator[Finding]:
    """Yield a finding if int8 is too coarse for the embeddings of proposals; other dtypes have none."""
    store = embedded.store
    if np.dtype(store.spec("embeddings").dtype) != np.int8:
        return
    cosines = np.concatenate([_cosines(embedded, shard) for shard in _sample(store.shards)])
    if len(cosines) and cosines.mean() < FAITHFUL:
        what, fix = "mean cosine of int8 embeddings with the exact ones", "set embed.dtype to float16"
        yield Finding("coarse-embeddings", what, float(cosines.mean()), FAITHFUL, fix)


def _cosines(embedded: Embedded, shard: int) -> np.ndarray:
    """Expected cosines of the shard's proposals, (K,)."""
    rows = embedded.store.read_shard(shard, ["embeddings", "count"])
    stored = np.arange(rows["embeddings"].shape[1]) < rows["count"][:, None]
    return expected_cosines(rows["embeddings"][stored])


def _sample(shards: int) -> list[int]:
    return sorted(set(np.linspace(0, shards - 1, min(SHARDS, shards)).astype(int).tolist()))
