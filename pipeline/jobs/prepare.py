"""The work of `prepare`: draws the embedded world, and decodes every photo once to check it."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np

from ezsd.cache.index import DIGEST_BYTES
from ezsd.pipeline.data.checks import Quarantined, check_quarantined
from ezsd.pipeline.data.prepared import Inspected
from ezsd.pipeline.data.sources import (
    SETS,
    DataSources,
    PhotoFileError,
    PhotoFolder,
    Which,
    photo_digest,
)
from ezsd.pipeline.data.tables import Photos
from ezsd.pipeline.jobs.job import JobChain, PartsJob
from ezsd.pipeline.stage import StageContext

PARTS = "parts"
"""Folder to resume an interrupted run from; removed at the end."""


def draw_world(context: StageContext, sources: DataSources) -> None:
    """Draw the embedded world into the stage's folder, if it is the data set."""
    world = context.params.data.world
    if world is None:
        return
    drawing = import_module(
        "ezsd.pipeline.data.world.drawing"
    )  # imported here: other data do not depend on its code
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
        check_quarantined(
            one.quarantined, len(one.usable), params.max_quarantined_fraction, params.max_quarantined
        )
    return seen


@dataclass(frozen=True)
class PhotoInspection(PartsJob):
    """Decodes the photos of one set, with one JSON file in `parts` per shard.

    A shard with an unusable photo counts as not done: the photo may be repaired before the next run.
    """

    which: Which
    photos: Photos
    folder: PhotoFolder
    parts: Path
    per_shard: int

    def __len__(self) -> int:
        return len(self.photos)

    def is_done(self, shard: int) -> bool:
        """Whether an earlier run examined the shard and found all photos usable."""
        return super().is_done(shard) and not self.read(shard)["unusable"]

    def __call__(self, shard: int) -> dict[str, float]:
        """Examine a shard's photos and publish its part."""
        digests: list[str] = []
        unusable: list[tuple[int, str]] = []
        for row in self.rows(shard):
            digest, reason = self._examine(row)
            digests.append(digest.hex())
            if reason:
                unusable.append((row, reason))
        self.publish(shard, {"digests": digests, "unusable": unusable})
        return {}

    def collect(self) -> Inspected:
        """Join the parts; all shards must be done."""
        parts = self.read_all()
        unusable = [(int(row), str(reason)) for part in parts for row, reason in part["unusable"]]
        usable = np.ones(len(self.photos), dtype=np.bool_)
        usable[[row for row, _ in unusable]] = False
        digests = b"".join(bytes.fromhex(digest) for part in parts for digest in part["digests"])
        return Inspected(
            np.frombuffer(digests, np.uint8).reshape(-1, DIGEST_BYTES),
            usable,
            tuple(self._quarantined(row, reason) for row, reason in unusable),
        )

    def _examine(self, row: int) -> tuple[bytes, str]:
        """Digest of a photo, and what is wrong with it; empty if nothing is."""
        name = self.photos.file_names[row]
        width, height = self.photos.sizes_wh[row].tolist()
        digest = bytes(DIGEST_BYTES)
        try:
            data = self.folder.read(name)
            digest = photo_digest(data)
            self.folder.decode_bytes(data, name, (width, height))
        except PhotoFileError as error:
            return digest, error.reason
        return digest, ""

    def _quarantined(self, row: int, reason: str) -> Quarantined:
        where = f"{self.which} image {self.photos.ids[row]} ({self.photos.file_names[row]})"
        return Quarantined("photo", where, reason)
