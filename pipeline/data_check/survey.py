"""Read and decode every photo of a set: find unusable ones, and copies by the digest of their bytes."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from ezsd.errors import InputError
from ezsd.photos import decode_photo
from ezsd.pipeline.data.sources import PhotoFileError, PhotoFolder, Which
from ezsd.pipeline.data.tables import Photos
from ezsd.pipeline.data_check.findings import Case, Findings
from ezsd.pipeline.errors import DataError
from ezsd.pipeline.jobs.job import PartsJob

ABSENT, OUTSIDE, UNREADABLE, OTHER_SIZE = (
    "missing photo",
    "photo outside its folder",
    "photo that cannot be decoded",
    "photo of another size than declared",
)


@dataclass(frozen=True)
class PhotoResult:
    """Result of reading a photo.

    Attributes:
        digest: SHA-256 of its bytes, empty if they cannot be read.
        kind: what is wrong, in general; empty if nothing is.
        reason: what is wrong, in detail.
    """

    digest: str
    kind: str = ""
    reason: str = ""


@dataclass(frozen=True)
class PhotoSurvey(PartsJob):
    """Read the photos of one set, shard by shard; a shard writes one JSON file in `parts`."""

    which: Which
    photos: Photos
    folder: PhotoFolder
    parts: Path
    per_shard: int

    def __len__(self) -> int:
        return len(self.photos)

    def __call__(self, shard: int) -> dict[str, float]:
        """Read a shard and publish its part."""
        self.publish(shard, [astuple(self._read(row)) for row in self.rows(shard)])
        return {}

    def collect(self) -> list[PhotoResult]:
        """Return the result of each photo; all shards must be done."""
        return [PhotoResult(*one) for part in self.read_all() for one in part]

    def _read(self, row: int) -> PhotoResult:
        name, (width, height) = self.photos.file_names[row], self.photos.sizes_wh[row].tolist()
        try:
            data = self.folder.read(name)
        except PhotoFileError as error:
            return PhotoResult("", ABSENT, error.reason)
        except DataError as error:
            return PhotoResult("", OUTSIDE, str(error))
        digest = hashlib.sha256(data).hexdigest()
        try:
            decode_photo(data, (width, height))
        except InputError as error:
            return PhotoResult(digest, OTHER_SIZE if _decodes(data) else UNREADABLE, str(error))
        return PhotoResult(digest)


def photo_findings(which: Which, photos: Photos, seen: Sequence[PhotoResult]) -> Iterator[Findings]:
    """Yield what is wrong with the photos of one set."""
    for kind in (ABSENT, OUTSIDE, UNREADABLE, OTHER_SIZE):
        rows = [row for row, one in enumerate(seen) if one.kind == kind]
        cases = [_case(which, photos, row, seen[row].reason, shown=kind == OTHER_SIZE) for row in rows]
        yield Findings(kind, which, cases)
    twins = [rows for rows in _by_digest(seen).values() if len({photos.file_names[row] for row in rows}) > 1]
    yield Findings(
        "several files with the same bytes", which, [_twins(which, photos, rows) for rows in twins]
    )


def overlap_findings(
    train: Photos, val: Photos, seen: Sequence[PhotoResult], val_seen: Sequence[PhotoResult]
) -> Iterator[Findings]:
    """Yield photos that are in both sets, by name or by bytes; the training photo is shown."""
    names = set(val.file_names)
    same_name = [
        Case(f"{name} is a file name in both sets", "train", name)
        for name in train.file_names
        if name in names
    ]
    yield Findings("file name in training and validation", "train", same_name)
    there = _by_digest(val_seen)
    same_bytes = [
        Case(
            f"{train.file_names[row]} is {val.file_names[there[one.digest][0]]} of val",
            "train",
            train.file_names[row],
        )
        for row, one in enumerate(seen)
        if one.digest in there
    ]
    yield Findings("photo in training and validation, byte for byte", "train", same_bytes)


def _by_digest(seen: Sequence[PhotoResult]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = defaultdict(list)
    for row, one in enumerate(seen):
        if one.digest:
            rows[one.digest].append(row)
    return rows


def _case(which: Which, photos: Photos, row: int, reason: str, shown: bool) -> Case:
    name = photos.file_names[row]
    return Case(f"image {photos.ids[row]} ({name}): {reason}", which, name if shown else None)


def _twins(which: Which, photos: Photos, rows: Sequence[int]) -> Case:
    names = ", ".join(photos.file_names[row] for row in rows)
    return Case(f"{names} are the same photo", which, photos.file_names[rows[0]])


def _decodes(data: bytes) -> bool:
    try:
        decode_photo(data, None)
    except InputError:
        return False
    return True
