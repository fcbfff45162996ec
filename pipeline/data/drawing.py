"""The embedded world on disk: an ordinary COCO data set, drawn in shards, in parallel, resumable."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cache.atomic import write_bytes_atomic, write_json_atomic
from ezsd.world.coco import annotation_records, coco_file, file_name, image_record
from ezsd.world.scenes import draw_scene
from pipeline.data.jobs import PartsJob
from pipeline.data.sources import DataSource, Which

JPEG_QUALITY = 90


@dataclass(frozen=True)
class WorldDrawing(PartsJob):
    """Draws the scenes of one set; called with a shard's number it draws that shard.

    A shard leaves its photos, and after them one JSON file in `parts` with their COCO records.
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
            scene = draw_scene(self.seed, self.which, index)
            write_bytes_atomic(self._photo(index), encode_jpeg(scene.image))
            images.append(image_record(self.which, index, scene))
            annotations.extend(annotation_records(self.which, index, scene))
        self.publish(shard, {"images": images, "annotations": annotations})
        return {}

    def write_annotations(self) -> None:
        """Join the parts into the annotation file; all shards must have been drawn."""
        parts = self.read_all()
        images = [image for part in parts for image in part["images"]]
        annotations = [annotation for part in parts for annotation in part["annotations"]]
        write_json_atomic(self.source.annotations, coco_file(images, annotations))

    def _photo(self, index: int) -> Path:
        return self.source.photos / file_name(self.which, index)


def encode_jpeg(image: NDArray[np.uint8]) -> bytes:
    """Encode (H, W, 3) uint8 RGB as JPEG; the same pixels give the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()
