"""`embed`: the re-normalized teacher's embeddings of base boxes and proposals, for training to read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ezsd.cache.artifacts import Embedded, Mined, Rows, embedding_specs, encode_embeddings
from ezsd.cache.index import DatasetIndex
from ezsd.cache.layout import ArraySpec
from ezsd.cache.objects import Location
from ezsd.cache.sharded import ShardedStore
from ezsd.pipeline.data.photos import PhotoFolder
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.models.teacher import RenormalizedTeacher, prompts_of, renormalized_teacher
from ezsd.pipeline.params import EmbedParams
from ezsd.pipeline.stage import StageContext, StageResult
from ezsd.teacher.box_encoder import BoxEncoder
from ezsd.teacher.name_embeddings import embed_names
from ezsd.teacher.prompts import Prompts

ENLARGE = 1.2
"""The crop of `embed.crops: single` (docs/method.md, section 4)."""

MINED_ARRAYS = ("boxes_xyxy", "scores", "labels", "confidence", "count", "image_ids")


def run(context: StageContext) -> StageResult:
    """Write `embeddings.zarr`, a row for each training photo, and `text.safetensors`."""
    params, prepared = context.params, Prepared(context.parent("prepare"))
    mined, embedded = Mined(context.parent("mine")), Embedded(context.folder)
    teacher = renormalized_teacher(context)
    _write_text(embedded, teacher, prepared.split.labelled, prompts_of(params.teacher))
    most = most_objects(prepared.train)
    arrays = embedded_arrays(mined.store, most, teacher.load().dim, params.embed.dtype)
    attributes = {"protocol": mined.protocol, "names": mined.names, "crops": params.embed.crops}
    store = ShardedStore.create(
        embedded.location, arrays, len(prepared.train), mined.store.layout.shard_rows, attributes
    )
    task = EmbedShard(
        teacher=teacher,
        params=params.embed,
        prepared=prepared.folder,
        photos=resolve_sources(params.data, context.root, prepared.folder).train.folder(),
        mined=mined.folder,
        store=embedded.location,
        most_objects=most,
    )
    context.map_shards(task, store.shards, store.is_done, lambda n: len(store.shard_range(n)), "photos")
    store.finish()
    return StageResult(_counts(store), {"protocol": mined.protocol, "dtype": params.embed.dtype})


@dataclass(frozen=True)
class EmbedShard:
    """Embeds the boxes of one shard's photos and publishes them; travels to workers."""

    teacher: RenormalizedTeacher
    params: EmbedParams
    prepared: Path
    photos: PhotoFolder
    mined: Path
    store: Location
    most_objects: int

    def __call__(self, shard: int) -> dict[str, float]:
        """Returns how many crops went through the teacher."""
        index, store = Prepared(self.prepared).train, ShardedStore.open(self.store)
        encoder = BoxEncoder(self.teacher.load(), self.params.batch)
        rows: Rows = Mined(self.mined).store.read_shard(shard, MINED_ARRAYS)
        rows |= object_rows(index, store.shard_range(shard), self.most_objects)
        embeddings, gt_embeddings = self._embed(encoder, index, store.shard_range(shard), rows)
        rows |= encode_embeddings("embeddings", embeddings, self.params.dtype)
        rows |= encode_embeddings("gt_embeddings", gt_embeddings, self.params.dtype)
        store.write_shard(shard, rows)
        return {"forwards": encoder.forwards}

    def _embed(
        self, encoder: BoxEncoder, index: DatasetIndex, photos: range, rows: Rows
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of proposals, float32 (n, K, D), and of objects, (n, G, D)."""
        dim = encoder.teacher.dim
        embeddings = np.zeros((*rows["boxes_xyxy"].shape[:2], dim), np.float32)
        gt_embeddings = np.zeros((*rows["gt_boxes_xyxy"].shape[:2], dim), np.float32)
        for place, row in enumerate(photos):
            count, gt_count = int(rows["count"][place]), int(rows["gt_count"][place])
            boxes_xyxy = np.concatenate(
                [rows["boxes_xyxy"][place, :count], rows["gt_boxes_xyxy"][place, :gt_count]]
            )
            if len(boxes_xyxy):
                width, height = index.photos.sizes_wh[row].tolist()
                photo = self.photos.decode(index.photos.file_names[row], (width, height))
                found = self._encode(encoder, photo, torch.from_numpy(boxes_xyxy)).numpy()
                embeddings[place, :count], gt_embeddings[place, :gt_count] = found[:count], found[count:]
        return embeddings, gt_embeddings

    def _encode(self, encoder: BoxEncoder, photo: Tensor, boxes_xyxy: Tensor) -> Tensor:
        if self.params.crops == "multi":
            return encoder.encode_multi(photo, boxes_xyxy)
        return encoder.encode(photo, boxes_xyxy, ENLARGE)


def most_objects(index: DatasetIndex) -> int:
    """Base boxes of the fullest photo, crowd regions left out; at least 1."""
    return max([1, *(int((~index.boxes_of(row).crowd).sum()) for row in range(len(index)))])


def embedded_arrays(mined: ShardedStore, most: int, dim: int, dtype: str) -> dict[str, ArraySpec]:
    """The arrays of `embeddings.zarr`, with `most` base boxes a photo at most."""
    keep = mined.layout.arrays["boxes_xyxy"].shape[0]
    return {
        **{name: mined.layout.arrays[name] for name in MINED_ARRAYS},
        **embedding_specs("embeddings", keep, dim, dtype, compressed=False),
        "gt_boxes_xyxy": ArraySpec((most, 4), "float32"),
        "gt_labels": ArraySpec((most,), "int32", fill=-1),
        "gt_count": ArraySpec((), "int32"),
        # most photos have far fewer objects than the fullest: their rows are mostly padding
        **embedding_specs("gt_embeddings", most, dim, dtype, compressed=True),
    }


def object_rows(index: DatasetIndex, photos: range, most: int) -> Rows:
    """Base boxes of a shard's photos, crowd regions left out."""
    boxes_xyxy = np.zeros((len(photos), most, 4), np.float32)
    labels = np.full((len(photos), most), -1, np.int32)
    counts = np.zeros(len(photos), np.int32)
    for place, row in enumerate(photos):
        boxes = index.boxes_of(row)
        single = ~boxes.crowd
        counts[place] = single.sum()
        boxes_xyxy[place, : counts[place]] = boxes.boxes_xyxy[single]
        labels[place, : counts[place]] = boxes.labels[single]
    return {"gt_boxes_xyxy": boxes_xyxy, "gt_labels": labels, "gt_count": counts}


@torch.inference_mode()
def _write_text(
    embedded: Embedded, teacher: RenormalizedTeacher, names: tuple[str, ...], prompts: Prompts
) -> None:
    embeddings = embed_names(teacher.load(), names, prompts).cpu().numpy()
    embedded.write_base_text_embeddings(names, embeddings)


def _counts(store: ShardedStore) -> dict[str, int]:
    totals = {"count": 0, "gt_count": 0}
    for shard in range(store.shards):
        for name, rows in store.read_shard(shard, totals).items():
            totals[name] += int(rows.sum(dtype=np.int64))
    return {"photos": store.rows, "proposals": totals["count"], "objects": totals["gt_count"]}
