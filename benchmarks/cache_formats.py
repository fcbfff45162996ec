"""Formats for embeddings on disk: ours and those of other projects."""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import torch

from ezsd.cache.layout import ArraySpec
from ezsd.cache.sharded import ShardedStore
from ezsd.cache.shuffled import iterate_shuffled

SHARD_ROWS = 64
WINDOW_SHARDS = 8

Write = Callable[[Path, np.ndarray], None]
Read = Callable[[Path, Sequence[int]], Iterator[np.ndarray]]


@dataclass(frozen=True)
class Format:
    """A format for float16 embeddings `(N, K, D)` in a folder.

    Attributes:
        write: folder, embeddings.
        read: folder, rows -> each row's `(K, D)` in that order, not a view.
        shuffle: as `read` for all rows in a shuffled order of its choice; None to use `read`.
    """

    write: Write
    read: Read
    shuffle: Read | None = None


def _write_json(folder: Path, embeddings: np.ndarray) -> None:
    """One text file per image, as in the paper's release."""
    for row, one in enumerate(embeddings.astype(np.float32).tolist()):
        (folder / f"{row}.json").write_text(json.dumps({"feat": one}))


def _read_json(folder: Path, rows: Sequence[int]) -> Iterator[np.ndarray]:
    for row in rows:
        yield np.array(json.loads((folder / f"{row}.json").read_text())["feat"], np.float16)


def _write_pt(folder: Path, embeddings: np.ndarray) -> None:
    for row, one in enumerate(embeddings):
        torch.save(torch.from_numpy(one.copy()), folder / f"{row}.pt")


def _read_pt(folder: Path, rows: Sequence[int]) -> Iterator[np.ndarray]:
    for row in rows:
        content = io.BytesIO((folder / f"{row}.pt").read_bytes())
        yield torch.load(content, weights_only=True).numpy()


def _write_hdf5(folder: Path, embeddings: np.ndarray) -> None:
    with h5py.File(folder / "all.h5", "w") as file:
        file.create_dataset("embeddings", data=embeddings, chunks=(1, *embeddings.shape[1:]))


def _read_hdf5(folder: Path, rows: Sequence[int]) -> Iterator[np.ndarray]:
    with h5py.File(folder / "all.h5") as file:
        dataset = file["embeddings"]
        for row in rows:
            yield dataset[row]


def _write_memmap(folder: Path, embeddings: np.ndarray) -> None:
    np.save(folder / "all.npy", embeddings)


def _read_memmap(folder: Path, rows: Sequence[int]) -> Iterator[np.ndarray]:
    mapped = np.load(folder / "all.npy", mmap_mode="r")
    for row in rows:
        yield np.array(mapped[row])


def _write_ours(folder: Path, embeddings: np.ndarray) -> None:
    arrays = {"embeddings": ArraySpec(embeddings.shape[1:], "float16", compressed=False)}
    store = ShardedStore.create(folder / "all.zarr", arrays, len(embeddings), SHARD_ROWS, {})
    for shard in range(store.shards):
        rows = store.shard_range(shard)
        store.write_shard(shard, {"embeddings": embeddings[rows.start : rows.stop]})
    store.finish()


def _read_ours(folder: Path, rows: Sequence[int]) -> Iterator[np.ndarray]:
    store = ShardedStore.open(folder / "all.zarr")
    for row in rows:
        yield store.read("embeddings", [row])[0]


def _shuffle_ours(folder: Path, rows: Sequence[int]) -> Iterator[np.ndarray]:
    """As training reads: whole shards, shuffled in a window, in an order of its own."""
    store = ShardedStore.open(folder / "all.zarr")
    assert len(rows) == store.rows
    for _, arrays in iterate_shuffled(
        store, ["embeddings"], seed=rows[0], epoch=0, window_shards=WINDOW_SHARDS
    ):
        yield arrays["embeddings"].copy()


OURS = "ezsd"
FORMATS: Mapping[str, Format] = {
    OURS: Format(_write_ours, _read_ours, _shuffle_ours),
    "json": Format(_write_json, _read_json),
    "pt": Format(_write_pt, _read_pt),
    "hdf5": Format(_write_hdf5, _read_hdf5),
    "memmap": Format(_write_memmap, _read_memmap),
}
