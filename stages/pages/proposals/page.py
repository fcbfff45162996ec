"""The page itself: what it says, and the scripts that fill it."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from ezsd.mining.score import CERTAINTY
from ezsd.stages.pages.drawing import score_colour
from ezsd.stages.pages.proposals.layout import CHUNK_PHOTOS, PAGE_PHOTOS, SHELF_PHOTOS
from ezsd.stages.pages.proposals.pictures import CropView
from ezsd.stages.pages.report.page import ORIGIN_WORDS, STYLE
from ezsd.stages.pages.report.page import read_part as read_report_part

TEMPLATE, OWN_STYLE = "page.html", "browser.css"
SCRIPTS = ("data.js", "list.js", "detail.js", "main.js")

_COLOURS = 16


@dataclass(frozen=True)
class Facts:
    """What the page says of the whole.

    score: what it is, `CERTAINTY` or `OBJECTNESS` of `ezsd.mining.score`.
    photos, proposals: shown here. all_photos, all_proposals: mined. with_proposals: photos that have any.
    best: proposals shown of a photo at most. pool: proposals among which neighbours were looked for.
    embedded: whether there are embeddings. fingerprint: of the mined proposals.
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
    """A name that competed in mining; `group` is `base`, `novel`, or `other` for one of the user's own."""

    name: str
    group: str


def read_part(name: str) -> str:
    """Text of the template, the style sheet or a script, as packaged."""
    return (resources.files("ezsd.stages.pages.proposals") / name).read_text(encoding="utf-8")


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
    """What the scripts must know; `tile` is the side of a crop on its sheet in pixels."""
    return {
        "names": [name.name for name in names],
        "groups": [name.group for name in names],
        "photos": facts.photos,
        "shelf": SHELF_PHOTOS,
        "chunk": CHUNK_PHOTOS,
        "page": PAGE_PHOTOS,
        "tile": tile,
        "views": [[view.enlarge, view.purpose] for view in views],
        "colours": _colours(),
        "certain": facts.score == CERTAINTY,
        "embedded": facts.embedded,
    }


def _colours() -> list[str]:
    """From the lowest score to the highest."""
    steps = (score_colour(step / (_COLOURS - 1)) for step in range(_COLOURS))
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in steps]
