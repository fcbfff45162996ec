"""The embedded world on disk: a data set of COCO's or LVIS's form, drawn in parallel, resumable."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ezsd.cache.atomic import write_bytes_atomic, write_json_atomic
from ezsd.pipeline.data.sources import DataSource, Which
from ezsd.pipeline.data.world.coco import annotation_file
from ezsd.pipeline.data.world.scenes import draw_scene
from ezsd.pipeline.data.world.variants import VARIANTS, Variant
from ezsd.pipeline.jobs.job import PartsJob

JPEG_QUALITY = 90


@dataclass(frozen=True)
class WorldDrawing(PartsJob):
    """Draws the scenes of one set; called with a shard's number it draws that shard.

    A shard leaves its photos, and after them one JSON file in `parts` with their records.
    """

    source: DataSource
    which: Which
    seed: int
    scenes: int
    parts: Path
    per_shard: int

    def __len__(self) -> int:
        return self.scenes

    def is_done(self, shard: int) -> bool:
        """Whether an earlier run drew the shard and its photos are still there."""
        return super().is_done(shard) and all(self._photo(index).is_file() for index in self.rows(shard))

    def __call__(self, shard: int) -> dict[str, float]:
        """Draw a shard and publish its photos, then its part."""
        images, annotations = [], []
        for index in self.rows(shard):
            scene = draw_scene(self.seed, self.which, index, self._variant.vocabulary)
            write_bytes_atomic(self._photo(index), encode_jpeg(scene.image))
            image, of_image = self._variant.records(self.seed, self.which, index, scene)
            images.append(image)
            annotations.extend(of_image)
        self.publish(shard, {"images": images, "annotations": annotations})
        return {}

    def joined(self, table: str) -> list[dict[str, Any]]:
        """The records of all shards under `images` or `annotations`; all shards must have been drawn."""
        return [record for part in self.read_all() for record in part[table]]

    @property
    def _variant(self) -> Variant:
        return VARIANTS[self.source.format]

    def _photo(self, index: int) -> Path:
        return self.source.photos / self._variant.photo_name(self.which, index)


def write_annotations(train: WorldDrawing, drawings: Sequence[WorldDrawing]) -> None:
    """Write the annotation file of each drawing; all their shards must have been drawn.

    Training scenes decide how frequent the names are in all files.
    """
    categories = VARIANTS[train.source.format].categories(train.joined("annotations"))
    for drawing in drawings:
        file = annotation_file(drawing.joined("images"), drawing.joined("annotations"), categories)
        write_json_atomic(drawing.source.annotations, file)


def encode_jpeg(image: NDArray[np.uint8]) -> bytes:
    """Encode (H, W, 3) uint8 RGB as JPEG; the same pixels give the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()
