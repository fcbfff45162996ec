"""What a search by words found: as text, and as a page of pictures that loads nothing."""

from collections.abc import Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup

from ezsd.cache.atomic import write_bytes_atomic
from ezsd.pipeline.data.sources import PhotoFolder, resolve_sources
from ezsd.pipeline.params import Params
from ezsd.pipeline.runner import artifact_folder
from ezsd.stages.pages.cutouts import cutout
from ezsd.stages.pages.inspection_text import text_table
from ezsd.stages.pages.links import BrowserLinks
from ezsd.stages.pages.proposals.page import OWN_STYLE, read_part
from ezsd.stages.pages.proposals.search import FoundBox, Search
from ezsd.stages.pages.report.page import STYLE
from ezsd.stages.pages.report.page import read_part as read_report_part
from ezsd.stages.pages.report.pictures import Picture

TEMPLATE = "found.html"


def found_text(search: Search) -> str:
    """What was found as a table, best first."""
    rows = [
        (
            str(rank),
            f"{box.similarity:.3f}",
            str(box.image_id),
            str(box.proposal),
            f"★ {box.name}" if box.group == "novel" else box.name,
            " ".join(f"{side:.0f}" for side in box.box_xyxy),
            box.file_name,
        )
        for rank, box in enumerate(search.found, start=1)
    ]
    head = ("rank", "similarity", "photo", "proposal", "name", "box x0 y0 x1 y1", "file")
    summary = (
        f"{search.words!r}: the {len(rows)} most similar of {search.searched:,} proposals, by cosine; "
        f"the mean of all is {search.mean_similarity:.3f}"
    )
    return f"{summary}\n{text_table(head, rows)}"


def write_found(path: Path, search: Search, params: Params, root: Path, browser: Path) -> None:
    """Write the page; its pictures lead to the pages of `browser`, if they are there.

    Args:
        path: of the page.
        search: what was found.
        params: of the run.
        root: of the run.
        browser: `index.html` of `inspect proposals`.
    """
    sources = resolve_sources(params.data, root, artifact_folder(root, "prepare"))
    pictures = [_picture(sources.train.folder(), box) for box in search.found]
    links = BrowserLinks.between(path, browser) if browser.is_file() else None
    write_bytes_atomic(path, render_found(search, pictures, links).encode())


def render_found(search: Search, pictures: Sequence[Picture], links: BrowserLinks | None) -> str:
    """The page as HTML; without `links`, its pictures lead nowhere."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.undefined = jinja2.StrictUndefined
    environment.filters["thousands"] = "{:,}".format
    return environment.from_string(read_part(TEMPLATE)).render(
        search=search,
        boxes=list(zip(search.found, pictures, strict=True)),
        links=links,
        # packaged with the project, so it needs no escaping
        style=Markup(read_report_part(STYLE) + read_part(OWN_STYLE)),
    )


def _picture(folder: PhotoFolder, box: FoundBox) -> Picture:
    words = f"{box.name}, photo {box.image_id}"
    return cutout(folder, box.file_name, box.size_wh, [box.box_xyxy], [""], [box.group == "novel"], words)
