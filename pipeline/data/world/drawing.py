"""Draw the embedded world as a data set of COCO's or LVIS's form: in parallel, resumable."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ezsd.cache.atomic import write_bytes_atomic, write_json_atomic
from ezsd.pipeline.data.sources import DataSource, Which
from ezsd.pipeline.data.world.annotations import (
    Record,
    annotation_file,
    coco_categories,
    coco_records,
    file_name,
    lvis_categories,
    lvis_records,
    photo_name,
)
from ezsd.pipeline.data.world.objects import EVERYDAY, LONG_TAIL, Vocabulary
from ezsd.pipeline.data.world.scenes import Scene, draw_scene
from ezsd.pipeline.jobs.job import PartsJob

JPEG_QUALITY = 90


@dataclass(frozen=True)
class Variant:
    """A variant of the world: what its scenes show, and how they are annotated.

    Attributes:
        vocabulary: names and things.
        photo_name: from split and index to a photo's path below the photo folder.
        records: from seed, split, index and scene to its entries under `images` and `annotations`.
        categories: from the annotations of all training scenes to the entries under `categories`.
    """

    vocabulary: Vocabulary
    photo_name: Callable[[str, int], str]
    records: Callable[[int, str, int, Scene], tuple[Record, list[Record]]]
    categories: Callable[[Sequence[Record]], list[Record]]


VARIANTS = {
    "coco": Variant(EVERYDAY, file_name, coco_records, coco_categories),
    "lvis": Variant(LONG_TAIL, photo_name, lvis_records, lvis_categories),
}
"""By annotation format: the everyday world as COCO, the long tail as LVIS."""


@dataclass(frozen=True)
class WorldDrawing(PartsJob):
    """Draw the scenes of one set, shard by shard.

    A shard writes its photos, then one JSON file in `parts` with their records.

    Attributes:
        source: where photos and annotations go, and in which format.
        which: train or val.
        seed: the world's seed.
        scenes: number of scenes.
        parts: folder of the shards' records.
        per_shard: scenes in a shard.
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
        """Whether an earlier run drew the shard and its photos still exist."""
        return super().is_done(shard) and all(self._photo(index).is_file() for index in self.rows(shard))

    def __call__(self, shard: int) -> dict[str, float]:
        """Draw a shard; write its photos, then its part."""
        images, annotations = [], []
        for index in self.rows(shard):
            scene = draw_scene(self.seed, self.which, index, self._variant.vocabulary)
            write_bytes_atomic(self._photo(index), encode_jpeg(scene.image))
            image, of_image = self._variant.records(self.seed, self.which, index, scene)
            images.append(image)
            annotations.extend(of_image)
        self.publish(shard, {"images": images, "annotations": annotations})
        return {}

    def joined(self, table: str) -> list[Record]:
        """Return the records of all shards under `images` or `annotations`; all shards must be drawn."""
        return [record for part in self.read_all() for record in part[table]]

    @property
    def _variant(self) -> Variant:
        return VARIANTS[self.source.format]

    def _photo(self, index: int) -> Path:
        return self.source.photos / self._variant.photo_name(self.which, index)


def write_annotations(train: WorldDrawing, drawings: Sequence[WorldDrawing]) -> None:
    """Write the annotation file of each drawing; all their shards must be drawn.

    The training scenes decide the frequency of each name, in all files.
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
