"""The work of `embed`: teacher embeddings of base boxes and proposals."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ezsd.cache.artifacts import MINED_ARRAYS, Embedded, Mined, encode_embeddings, object_rows
from ezsd.cache.objects import Location
from ezsd.pipeline.data.training_photos import TrainingPhotos, open_training_photos
from ezsd.pipeline.jobs.job import StoreJob
from ezsd.pipeline.jobs.read_ahead import read_ahead
from ezsd.pipeline.models.teacher import RenormalizedTeacher, renormalized_teacher
from ezsd.pipeline.params import Params
from ezsd.pipeline.stage import StageContext
from ezsd.teacher.box_encoder import MULTI_CROP_FACTORS, BoxEncoder


def context_factors(params: Params) -> tuple[float, ...]:
    """How much wider than the box the crops are whose mean embeds it (method, section 3).

    A single crop is the same one that mining classified.
    """
    return MULTI_CROP_FACTORS if params.embed.crops == "multi" else (params.mine.context_factor,)


@dataclass(frozen=True)
class EmbedShards(StoreJob):
    """Embeds the boxes of a shard's photos.

    Attributes:
        context_factors: of :func:`context_factors`.
        batch: crops per forward pass of the teacher.
        objects: most base boxes of a photo; the size of the stored arrays.
        dtype: of the stored embeddings.
    """

    photos: TrainingPhotos
    mined: Mined
    teacher: RenormalizedTeacher
    context_factors: tuple[float, ...]
    batch: int
    objects: int
    dtype: str
    location: Location

    def __call__(self, shard: int) -> dict[str, float]:
        """Embed the boxes of a shard; return the number of crops as `forwards`."""
        encoder = BoxEncoder(self.teacher.load(), self.batch)
        photos, mined = self.rows(shard), self.mined.store.read_shard(shard, MINED_ARRAYS)
        rows = mined | object_rows(self.photos.index, photos, self.objects)
        dim, keep = encoder.teacher.dim, rows["boxes_xyxy"].shape[1]
        proposals = np.zeros((len(photos), keep, dim), np.float32)
        objects = np.zeros((len(photos), self.objects, dim), np.float32)
        for place, photo in enumerate(read_ahead(self.photos.photo, photos)):
            count, gt_count = int(rows["count"][place]), int(rows["gt_count"][place])
            boxes_xyxy = np.concatenate(
                [rows["boxes_xyxy"][place, :count], rows["gt_boxes_xyxy"][place, :gt_count]]
            )
            if len(boxes_xyxy):
                embeddings = self._embed(encoder, photo, torch.from_numpy(boxes_xyxy))
                proposals[place, :count], objects[place, :gt_count] = embeddings[:count], embeddings[count:]
        rows |= encode_embeddings("embeddings", proposals, self.dtype)
        rows |= encode_embeddings("gt_embeddings", objects, self.dtype)
        self.store.write_shard(shard, rows)
        return {"forwards": encoder.forwards}

    def _embed(self, encoder: BoxEncoder, photo: Tensor, boxes_xyxy: Tensor) -> np.ndarray:
        if len(self.context_factors) > 1:
            return encoder.encode_multi(photo, boxes_xyxy).numpy()
        return encoder.encode(photo, boxes_xyxy, self.context_factors[0]).numpy()


def embed_shards(context: StageContext, embedded: Embedded) -> EmbedShards:
    """Create the store and return the job that fills it."""
    params, photos, mined = context.params, open_training_photos(context), Mined(context.parent("mine"))
    teacher, objects = renormalized_teacher(context), photos.index.most_objects()
    dim = len(teacher.renormed.read().feature_mean_after)
    embedded.create(mined, objects, dim, params.embed.dtype, params.embed.crops)
    return EmbedShards(
        photos=photos,
        mined=mined,
        teacher=teacher,
        context_factors=context_factors(params),
        batch=params.embed.batch,
        objects=objects,
        dtype=params.embed.dtype,
        location=embedded.location,
    )
