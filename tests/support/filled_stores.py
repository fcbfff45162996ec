"""Sharded stores of made-up rows."""

from pathlib import Path

import numpy as np

from ezsd.cache.layout import ArraySpec
from ezsd.cache.sharded import ShardedStore

ARRAYS = {
    "boxes_xyxy": ArraySpec((3, 4), "f4", 0),
    "labels": ArraySpec((3,), "i4", -1),
    "count": ArraySpec((), "i4", 0),
    "image_ids": ArraySpec((), "i8", 0),
    "embeddings": ArraySpec((3, 8), "f2", 0),
    "plain": ArraySpec((3, 8), "f2", 0, compressed=False),
}
FIX = "run: ezsd-cli precompute --only mine"


def content(rows: int, arrays: dict[str, ArraySpec] = ARRAYS, seed: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {
        name: (generator.normal(size=(rows, *spec.shape)) * 50).astype(spec.dtype)
        for name, spec in arrays.items()
    }


def part(data: dict[str, np.ndarray], rows: range) -> dict[str, np.ndarray]:
    return {name: array[rows.start : rows.stop] for name, array in data.items()}


def filled(location, data: dict[str, np.ndarray], shard_rows: int = 4) -> ShardedStore:
    """A complete store of `data`, whose arrays are those of ARRAYS."""
    rows = len(data["count"])
    store = ShardedStore.create(location, ARRAYS, rows, shard_rows, {"names": ["a", "b"]}, FIX)
    for shard in range(store.shards):
        store.write_shard(shard, part(data, store.shard_range(shard)))
    store.finish()
    return store


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
