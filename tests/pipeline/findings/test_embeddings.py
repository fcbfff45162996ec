"""Findings in the embeddings of proposals."""

from pathlib import Path

import numpy as np

from ezsd.cache.artifacts import Embedded, encode_embeddings
from ezsd.cache.layout import ArraySpec
from ezsd.cache.sharded import ShardedStore
from ezsd.pipeline.findings.embeddings import embedding_findings
from ezsd.pipeline.findings.finding import Finding


def embedding_findings_of(folder: Path, outlier: float, dtype: str) -> list[Finding]:
    """Of embeddings with 512 dimensions, the first of which is `outlier` times the others' deviation."""
    rows = np.random.default_rng(0).normal(size=(12, 3, 512)).astype(np.float32)
    rows[..., 0] = outlier
    encoded = encode_embeddings("embeddings", rows / np.linalg.norm(rows, axis=-1, keepdims=True), dtype)
    encoded["count"] = np.full(12, 2, np.int32)
    arrays = {name: ArraySpec(values.shape[1:], str(values.dtype)) for name, values in encoded.items()}
    store = ShardedStore.create(Embedded(folder).location, arrays, 12, 1, {"protocol": "names known"})
    for shard in range(12):
        store.write_shard(shard, {name: values[shard : shard + 1] for name, values in encoded.items()})
    store.finish()
    return list(embedding_findings(Embedded(folder)))


def test_int8_is_too_coarse_beside_one_very_large_dimension(tmp_path: Path) -> None:
    assert embedding_findings_of(tmp_path / "even", 1.0, "int8") == []
    assert embedding_findings_of(tmp_path / "exact", 60.0, "float16") == []
    (finding,) = embedding_findings_of(tmp_path / "one", 60.0, "int8")
    assert (finding.kind, finding.stops) == ("coarse-embeddings", False)
    assert 0.99 < finding.number < 0.999
