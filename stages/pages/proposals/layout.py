"""Where the files of the browser lie, and how much is in each."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
