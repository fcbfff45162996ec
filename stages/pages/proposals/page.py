"""The browser's page: where its files are, what it says, and the overview that its scripts start from.

Data files are scripts: a page opened from a disk may load scripts, but no JSON.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ezsd.mining.score import CERTAINTY
from ezsd.stages.pages.drawing import score_colour
from ezsd.stages.pages.report.page import ORIGIN_WORDS, STYLE
from ezsd.stages.pages.report.page import read_part as read_report_part

TEMPLATE, OWN_STYLE = "page.html", "browser.css"
SCRIPTS = ("data.js", "list.js", "map.js", "detail.js", "main.js")

SHARD_PHOTOS = 250
"""Photos whose scores are in one file, and which one worker writes."""
CHUNK_PHOTOS = 25
"""Photos whose boxes are in one file, and whose names and neighbours are in another."""
PAGE_PHOTOS = 24
"""Photos listed at once."""

_COLOURS = 16


@dataclass(frozen=True)
class BrowserFolder:
    """Paths below `root`; a photo's position is its number in the browser, 0 to `photos` - 1."""

    root: Path
    photos: int

    @property
    def page(self) -> Path:
        """What a user opens."""
        return self.root / "index.html"

    @property
    def overview(self) -> Path:
        """The values of `overview`."""
        return self.root / "data" / "overview.js"

    @property
    def map(self) -> Path:
        """The values of `map_entry`."""
        return self.root / "data" / "map.js"

    @property
    def shards(self) -> int:
        """Number of shards."""
        return -(-self.photos // SHARD_PHOTOS)

    def positions(self, shard: int) -> range:
        """Positions of the photos of a shard."""
        return range(shard * SHARD_PHOTOS, min((shard + 1) * SHARD_PHOTOS, self.photos))

    def chunks(self, shard: int) -> Iterator[tuple[int, range]]:
        """Number and positions of each chunk of a shard."""
        positions = self.positions(shard)
        for first in range(positions.start, positions.stop, CHUNK_PHOTOS):
            yield first // CHUNK_PHOTOS, range(first, min(first + CHUNK_PHOTOS, positions.stop))

    def index(self, shard: int) -> Path:
        """Ids, names and scores of a shard, for filters and orders."""
        return self.root / "data" / f"index-{shard:04d}.js"

    def boxes(self, chunk: int) -> Path:
        """Files, sizes and boxes of a chunk, for the list."""
        return self.root / "data" / f"photos-{chunk:05d}.js"

    def details(self, chunk: int) -> Path:
        """Nearest names and neighbours of a chunk, for an opened proposal."""
        return self.root / "data" / f"details-{chunk:05d}.js"

    def thumbnail(self, position: int) -> Path:
        """The photo, small."""
        return self._picture("thumbs", position)

    def crops(self, position: int) -> Path:
        """The crops of a photo on one sheet."""
        return self._picture("crops", position)

    def is_done(self, shard: int) -> bool:
        """Whether all files of a shard exist."""
        return all(path.is_file() for path in self._shard_files(shard))

    def _shard_files(self, shard: int) -> Iterator[Path]:
        yield self.index(shard)
        for chunk, positions in self.chunks(shard):
            yield self.boxes(chunk)
            yield self.details(chunk)
            for position in positions:
                yield self.thumbnail(position)
                yield self.crops(position)

    def _picture(self, kind: str, position: int) -> Path:
        return self.root / kind / f"{position // SHARD_PHOTOS:04d}" / f"{position:06d}.webp"


@dataclass(frozen=True)
class Facts:
    """What the page says of all proposals.

    Attributes:
        protocol: of mining.
        score: its kind, `CERTAINTY` or `OBJECTNESS` of `ezsd.mining.score`.
        split: its name.
        photos: shown.
        proposals: shown.
        all_photos: mined.
        all_proposals: mined.
        with_proposals: photos that have proposals.
        best: proposals shown of a photo at most.
        pool: proposals among which neighbours are searched.
        embedded: whether there are embeddings.
        fingerprint: of the mined proposals.
    """

    protocol: str
    score: str
    split: str
    photos: int
    proposals: int
    all_photos: int
    all_proposals: int
    with_proposals: int
    best: int
    pool: int
    embedded: bool
    fingerprint: str


@dataclass(frozen=True)
class Name:
    """A name that mining scored; `group` is `base`, `novel`, or `other` for one of the user's own."""

    name: str
    group: str


@dataclass(frozen=True)
class CropView:
    """A crop that the teacher saw of each box: its sides / the sides of the box, and what it was used for."""

    context_factor: float
    purpose: str


def read_part(name: str) -> str:
    """Text of the packaged template, style sheet or script."""
    return (resources.files("ezsd.stages.pages.proposals") / name).read_text(encoding="utf-8")


def script(key: str, value: Any) -> bytes:
    """`put("index-0000",{...});` in ASCII, so that no name can end the script or the line."""
    return f"put({_json(key)},{_json(value)});\n".encode("ascii")


def render_page(facts: Facts) -> str:
    """`index.html`; the same facts give the same bytes."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.undefined = jinja2.StrictUndefined
    environment.filters["thousands"] = "{:,}".format
    return environment.from_string(read_part(TEMPLATE)).render(
        facts=facts,
        origin=ORIGIN_WORDS[facts.score],
        certain=facts.score == CERTAINTY,
        # packaged with the project, so they need no escaping
        style=Markup(read_report_part(STYLE) + read_part(OWN_STYLE)),
        scripts=SCRIPTS,
        colours=_colours(),
    )


def overview(facts: Facts, names: Sequence[Name], views: Sequence[CropView], tile: int) -> dict[str, Any]:
    """Values that all scripts use; `tile` is the side of a crop on its sheet in pixels."""
    return {
        "names": [name.name for name in names],
        "groups": [name.group for name in names],
        "photos": facts.photos,
        "shard": SHARD_PHOTOS,
        "chunk": CHUNK_PHOTOS,
        "page": PAGE_PHOTOS,
        "tile": tile,
        "views": [[view.context_factor, view.purpose] for view in views],
        "colours": _colours(),
        "certain": facts.score == CERTAINTY,
        "embedded": facts.embedded,
    }


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _colours() -> list[str]:
    """From the lowest score to the highest."""
    steps = (score_colour(step / (_COLOURS - 1)) for step in range(_COLOURS))
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in steps]
