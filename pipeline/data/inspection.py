"""Every photo is decoded once before anything leans on it: in shards, in parallel, resumable."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ezsd.pipeline.data.cleaning import Finding
from ezsd.pipeline.data.photos import PhotoFileError, PhotoFolder
from ezsd.pipeline.data.sources import Which
from ezsd.pipeline.data.tables import Photos
from ezsd.pipeline.jobs.job import PartsJob


@dataclass(frozen=True)
class Inspected:
    """What decoding showed: byte_sizes int64 (N,), 0 where absent; usable bool (N,); why others are not."""

    byte_sizes: NDArray[np.int64]
    usable: NDArray[np.bool_]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class PhotoInspection(PartsJob):
    """Decodes the photos of one set; called with a shard's number it examines that shard.

    A shard leaves one JSON file in `parts`. A shard in which a photo was found unusable counts as not done:
    when the stage runs again, somebody may have mended the photo.
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
