"""The work of `prepare`: the embedded world is drawn, and every photo is decoded once before it is used."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np

from ezsd.pipeline.data.checks import Finding, check_fraction
from ezsd.pipeline.data.prepared import Inspected
from ezsd.pipeline.data.sources import SETS, DataSources, PhotoFileError, PhotoFolder, Which
from ezsd.pipeline.data.tables import Photos
from ezsd.pipeline.jobs.job import JobChain, PartsJob
from ezsd.pipeline.stage import StageContext

PARTS = "parts"
"""What an interrupted run leaves to resume from; a finished one removes it."""


def draw_world(context: StageContext, sources: DataSources) -> None:
    """Draw the embedded world into the stage's folder, if it is the data set."""
    world = context.params.data.world
    if world is None:
        return
    drawing = import_module("ezsd.pipeline.data.world.drawing")  # late: other data do not depend on its code
    drawings = [
        drawing.WorldDrawing(
            source=sources.of(which),
            which=which,
            seed=world.seed,
            scenes={"train": world.train, "val": world.val}[which],
            parts=context.folder / PARTS / f"draw-{which}",
            per_shard=context.params.prepare.photos_per_shard,
        )
        for which in SETS
    ]
    context.map_shards(JobChain(drawings, "scenes", "prepare: draw the world"))
    drawing.write_annotations(drawings[0], drawings)


def inspect_photos(
    context: StageContext, sources: DataSources, photos: dict[Which, Photos]
) -> list[Inspected]:
    """Decode every photo of the sets once. Raises DataError when too many of a set cannot be used."""
    params = context.params.prepare
    inspections = [
        PhotoInspection(
            which=which,
            photos=listed,
            folder=sources.of(which).folder(),
            parts=context.folder / PARTS / f"check-{which}",
            per_shard=params.photos_per_shard,
        )
        for which, listed in photos.items()
    ]
    context.map_shards(JobChain(inspections, "photos", "prepare: check photos"))
    seen = [inspection.collect() for inspection in inspections]
    for one in seen:
        check_fraction(one.findings, len(one.usable), params.max_quarantined_fraction)
    return seen


@dataclass(frozen=True)
class PhotoInspection(PartsJob):
    """Decodes the photos of one set; called with a shard's number it examines that shard.

    A shard leaves one JSON file in `parts`. A shard in which a photo was found unusable counts as not done:
    when the stage runs again, the photo may have been fixed by then.
    """

    which: Which
    photos: Photos
    folder: PhotoFolder
    parts: Path
    per_shard: int

    def __len__(self) -> int:
        return len(self.photos)

    def is_done(self, shard: int) -> bool:
        """Whether an earlier run examined the shard and found nothing."""
        return super().is_done(shard) and not self.read(shard)["unusable"]

    def __call__(self, shard: int) -> dict[str, float]:
        """Examine a shard and publish its part."""
        sizes: list[int] = []
        unusable: list[tuple[int, str]] = []
        for row in self.rows(shard):
            size, reason = self._examine(row)
            sizes.append(size)
            if reason:
                unusable.append((row, reason))
        self.publish(shard, {"byte_sizes": sizes, "unusable": unusable})
        return {}

    def collect(self) -> Inspected:
        """Join the parts; all shards must have been examined."""
        parts = self.read_all()
        unusable = [(int(row), str(reason)) for part in parts for row, reason in part["unusable"]]
        usable = np.ones(len(self.photos), dtype=np.bool_)
        usable[[row for row, _ in unusable]] = False
        byte_sizes = np.array([size for part in parts for size in part["byte_sizes"]], dtype=np.int64)
        return Inspected(byte_sizes, usable, tuple(self._finding(row, reason) for row, reason in unusable))

    def _examine(self, row: int) -> tuple[int, str]:
        """Bytes of the file, and what is wrong with it (empty for nothing)."""
        name = self.photos.file_names[row]
        width, height = self.photos.sizes_wh[row].tolist()
        size = self.folder.byte_size(name) or 0
        try:
            self.folder.decode(name, (width, height))
        except PhotoFileError as error:
            return size, error.reason
        return size, ""

    def _finding(self, row: int, reason: str) -> Finding:
        where = f"{self.which} image {self.photos.ids[row]} ({self.photos.file_names[row]})"
        return Finding("photo", where, reason)
