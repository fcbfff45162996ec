"""Where the files of the browser lie, and what is in each.

Data are scripts: a page that is opened from a disk may load scripts, but no JSON.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ezsd.stages.pages.proposals.mined import PhotoProposals

SHELF_PHOTOS = 250
"""Photos whose scores lie in one file, and which are written by one worker."""

CHUNK_PHOTOS = 25
"""Photos whose boxes lie in one file, and whose names and neighbours lie in another."""

PAGE_PHOTOS = 24
"""Photos listed at once."""


@dataclass(frozen=True)
class BrowserFolder:
    """Paths below `root`; photos are counted by their position 0 to `photos` - 1 in the browser."""

    root: Path
    photos: int

    @property
    def page(self) -> Path:
        """What a person opens."""
        return self.root / "index.html"

    @property
    def overview(self) -> Path:
        """What every view needs."""
        return self.root / "data" / "overview.js"

    @property
    def shelves(self) -> int:
        """How many shelves the photos stand on."""
        return -(-self.photos // SHELF_PHOTOS)

    def shelf(self, shelf: int) -> range:
        """Positions of the photos on a shelf."""
        return range(shelf * SHELF_PHOTOS, min((shelf + 1) * SHELF_PHOTOS, self.photos))

    def chunks(self, shelf: int) -> Iterator[tuple[int, range]]:
        """Number and positions of each chunk on a shelf."""
        positions = self.shelf(shelf)
        for first in range(positions.start, positions.stop, CHUNK_PHOTOS):
            yield first // CHUNK_PHOTOS, range(first, min(first + CHUNK_PHOTOS, positions.stop))

    def index(self, shelf: int) -> Path:
        """Ids, names and scores of a shelf, which filters and orders need."""
        return self.root / "data" / f"index-{shelf:04d}.js"

    def boxes(self, chunk: int) -> Path:
        """Files, sizes and boxes of a chunk, which the list needs."""
        return self.root / "data" / f"photos-{chunk:05d}.js"

    def details(self, chunk: int) -> Path:
        """Nearest names and neighbours of a chunk, which an opened proposal needs."""
        return self.root / "data" / f"details-{chunk:05d}.js"

    def thumbnail(self, position: int) -> Path:
        """The photo, small."""
        return self._picture("thumbs", position)

    def crops(self, position: int) -> Path:
        """The crops of a photo on one sheet."""
        return self._picture("crops", position)

    def is_done(self, shelf: int) -> bool:
        """Whether all files of a shelf are there."""
        return all(path.is_file() for path in self._shelf_files(shelf))

    def _shelf_files(self, shelf: int) -> Iterator[Path]:
        yield self.index(shelf)
        for chunk, positions in self.chunks(shelf):
            yield self.boxes(chunk)
            yield self.details(chunk)
            for position in positions:
                yield self.thumbnail(position)
                yield self.crops(position)

    def _picture(self, kind: str, position: int) -> Path:
        return self.root / kind / f"{position // SHELF_PHOTOS:04d}" / f"{position:06d}.webp"


@dataclass(frozen=True)
class BrowsedPhoto:
    """A training photo and those of its proposals that are shown."""

    image_id: int
    file_name: str
    width: int
    height: int
    proposals: PhotoProposals


def script(key: str, value: Any) -> bytes:
    """`put("index-0000",{...});` in ASCII, so that no name can end the script or the line."""
    return f"put({_json(key)},{_json(value)});\n".encode("ascii")


def index_entry(photos: Sequence[BrowsedPhoto], labels: Mapping[str, int]) -> dict[str, Any]:
    """Ids, and a list of labels and of scores for each photo. labels: name -> place among all names."""
    return {
        "ids": [photo.image_id for photo in photos],
        "labels": [[labels[name] for name in photo.proposals.names] for photo in photos],
        "scores": [_rounded(photo.proposals.scores, 4) for photo in photos],
    }


def boxes_entry(photos: Sequence[BrowsedPhoto]) -> list[dict[str, Any]]:
    """File, size in pixels, boxes (xyxy, tenths of pixels) and confidence of each photo."""
    return [
        {
            "file": photo.file_name,
            "size": [photo.width, photo.height],
            "boxes": [_rounded(box, 1) for box in photo.proposals.boxes_xyxy],
            "confidence": _rounded(photo.proposals.confidence, 3),
        }
        for photo in photos
    ]


def _rounded(values: Any, digits: int) -> list[float]:
    return [round(float(value), digits) for value in values]


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
