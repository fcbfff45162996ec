"""The teacher's targets of each training photo, out of the sharded store, checked against the index."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from cache.errors import ArtifactError
from cache.index import DatasetIndex
from cache.quantize import dequantize_rows
from cache.sharded import ShardedStore
from cache.shuffled import plan_windows
from ezsd.training.targets import CachedTargets

WINDOW_SHARDS = 8
"""Shards whose photos are shuffled among each other, and which are held in memory for it."""


@dataclass
class TargetReader:
    """Row of a training photo -> its targets; holds the shards that were read last.

    Args:
        index: base boxes of the training photos.
        store: teacher embeddings of the same photos, row for row.
    """

    index: DatasetIndex
    store: ShardedStore

    def __post_init__(self) -> None:
        if self.store.rows != len(self.index):
            raise _stale(f"holds {self.store.rows} photos, the index {len(self.index)}")
        self._shards: OrderedDict[int, dict[str, np.ndarray]] = OrderedDict()

    def __call__(self, row: int) -> CachedTargets:
        """Raises ArtifactError when the store is of other photos, or damaged."""
        shard, place = divmod(row, self.store.layout.shard_rows)
        cached = {name: array[place] for name, array in self._read(shard).items()}
        image_id = int(self.index.photos.image_ids[row])
        if int(cached["image_ids"]) != image_id:
            raise _stale(f"has image {int(cached['image_ids'])} in row {row}, the index has {image_id}")
        boxes = self.index.boxes_of(row)
        single = ~boxes.crowd
        objects, proposals = int(cached["gt_count"]), int(cached["count"])
        return CachedTargets(
            boxes_xyxy=torch.from_numpy(boxes.boxes_xyxy[single]),
            labels=torch.from_numpy(boxes.labels[single].astype(np.int64)),
            object_boxes_xyxy=torch.from_numpy(cached["gt_boxes_xyxy"][:objects].copy()),
            object_embeddings=_embeddings(cached, "gt_embeddings", objects),
            proposal_boxes_xyxy=torch.from_numpy(cached["boxes_xyxy"][:proposals].copy()),
            proposal_embeddings=_embeddings(cached, "embeddings", proposals),
            proposal_confidences=torch.from_numpy(cached["confidence"][:proposals].copy()),
        )

    def order(self, seed: int, epoch: int) -> Sequence[int]:
        """All rows in the order of an epoch: shuffled, with whole shards close to each other."""
        windows = plan_windows(self.store.layout, seed=seed, epoch=epoch, window_shards=WINDOW_SHARDS)
        return np.concatenate([window.rows for window in windows]).tolist()

    def _read(self, shard: int) -> dict[str, np.ndarray]:
        if shard not in self._shards:
            self._shards[shard] = self.store.read_shard(shard)
        self._shards.move_to_end(shard)
        while len(self._shards) > WINDOW_SHARDS:
            self._shards.popitem(last=False)
        return self._shards[shard]


def _embeddings(cached: dict[str, np.ndarray], name: str, count: int) -> torch.Tensor:
    """float32 (count, D), whether stored as float16 or as int8 with scales."""
    rows = cached[name][:count]
    if rows.dtype == np.int8:
        return torch.from_numpy(dequantize_rows(rows, cached[f"{name}_scales"][:count]))
    return torch.from_numpy(rows.astype(np.float32))


def _stale(what: str) -> ArtifactError:
    return ArtifactError(f"the store of embeddings {what}: run `ezsd-cli precompute`")
