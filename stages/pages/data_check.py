"""The findings of `ezsd-cli data check`, as text for the terminal and as a page with pictures."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import jinja2
import torch
from markupsafe import Markup
from torch import Tensor

from ezsd.cache.atomic import write_bytes_atomic
from ezsd.errors import InputError
from ezsd.photos import decode_photo
from ezsd.pipeline.data.sources import DataSources, PhotoFolder
from ezsd.pipeline.data_check.findings import Case, DataReport, Findings, SetCounts
from ezsd.pipeline.errors import DataError, PipelineError
from ezsd.stages.pages.drawing import draw_objects
from ezsd.stages.pages.report.page import STYLE
from ezsd.stages.pages.report.page import read_part as read_report_part
from ezsd.stages.pages.report.pictures import Picture, as_picture
from ezsd.stages.pages.report.table import aligned_lines

PAGE, TEMPLATE = "index.html", "data_check.html"
LISTED = 3
"""Cases of each kind of finding in the terminal."""
PICTURES, LINES = 4, 12
"""Cases of each kind on the page: drawn, and listed as text after them."""
LONG_SIDE = 384
COUNTS = {
    "photos": "photos",
    "empty_photos": "photos without a box of the split",
    "base": "base boxes",
    "novel": "novel boxes",
    "crowd": "crowd regions",
    "small": "small boxes (area under 32²)",
    "medium": "medium boxes (under 96²)",
    "large": "large boxes",
    "clipped": "boxes that extend beyond their photo",
}
"""Field of `SetCounts` -> its label."""


@dataclass(frozen=True)
class Shown:
    """One kind of finding on the page: some cases with a picture, further ones as text."""

    findings: Findings
    drawn: Sequence[tuple[Case, Picture]]
    listed: Sequence[Case]

    @property
    def left(self) -> int:
        """Cases that the page only counts."""
        return len(self.findings.cases) - len(self.drawn) - len(self.listed)


def require_own_folder(out: Path) -> None:
    """Raises PipelineError when the folder of the page holds anything but an earlier page."""
    strangers = sorted(path.name for path in out.iterdir() if path.name != PAGE) if out.is_dir() else []
    if strangers:
        raise PipelineError(
            f"{out} holds other files, such as {strangers[0]}: give a new folder for the page"
        )


def write_page(report: DataReport, sources: DataSources, out: Path) -> None:
    """Write the page into the folder `out`."""
    write_bytes_atomic(out / PAGE, render_page(report, illustrate(report, sources)).encode())


def illustrate(report: DataReport, sources: DataSources) -> list[Shown]:
    """Every kind of finding, the first cases drawn where their photo can be read."""
    novel = {one.name for one in report.names if one.group == "novel"}
    return [_illustrated(found, sources, novel) for found in report.findings]


def render_page(report: DataReport, shown: Sequence[Shown]) -> str:
    """The whole page as HTML; the same report and photos give the same bytes."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.undefined = jinja2.StrictUndefined
    environment.filters["thousands"] = "{:,}".format
    template = (resources.files("ezsd.stages.pages") / TEMPLATE).read_text(encoding="utf-8")
    return environment.from_string(template).render(
        report=report,
        shown=shown,
        counts=count_rows(report),
        names=name_rows(report),
        verdict=verdict(report),
        style=Markup(read_report_part(STYLE)),  # packaged with the project, so it needs no escaping
    )


def report_text(report: DataReport) -> str:
    """Counts, then findings, then what stops the pipeline."""
    lines: list[str] = []
    if report.sets:
        lines += [*aligned_lines((report.split or "", *report.sets), count_rows(report)), ""]
        lines += [*aligned_lines(("name", "split", *report.sets), name_rows(report)), ""]
    lines += [_line(found) for found in report.findings] or ["no findings"]
    lines += report.notes
    lines += [f"stops the pipeline: {sentence}" for sentence in report.stops]
    return "\n".join([*lines, verdict(report)])


def verdict(report: DataReport) -> str:
    """One sentence: would the pipeline stop?"""
    count = len(report.stops)
    if not count:
        return "nothing stops the pipeline"
    return f"{count} problem{'s' * (count != 1)} would stop the pipeline: fix and check again"


def count_rows(report: DataReport) -> list[tuple[str, ...]]:
    """A row for each entry of `COUNTS`: its label, then the count in each set."""
    return [
        (label, *(f"{_count(counts, key):,}" for counts in report.sets.values()))
        for key, label in COUNTS.items()
    ]


def name_rows(report: DataReport) -> list[tuple[str, ...]]:
    """A row for each name: the name, its side of the split, its boxes in each set."""
    return [(one.name, one.group, *(f"{count:,}" for count in one.boxes.values())) for one in report.names]


def _count(counts: SetCounts, key: str) -> int:
    value: int = getattr(counts, key)
    return value


def _line(found: Findings) -> str:
    first = "; ".join(case.text for case in found.cases[:LISTED])
    more = f"; and {len(found.cases) - LISTED:,} more" if len(found.cases) > LISTED else ""
    return f"{found.which}, {found.kind} ({len(found.cases):,}): {first}{more}"


def _illustrated(found: Findings, sources: DataSources, novel: Collection[str]) -> Shown:
    drawn: list[tuple[Case, Picture]] = []
    for case in found.cases[:PICTURES]:
        photo = _photo_of(case, sources)
        if photo is not None:
            drawn.append((case, _draw(case, photo, novel)))
    pictured = {id(case) for case, _ in drawn}
    listed = [case for case in found.cases[: PICTURES + LINES] if id(case) not in pictured][:LINES]
    return Shown(found, drawn, listed)


def _photo_of(case: Case, sources: DataSources) -> Tensor | None:
    """uint8 (3, H, W) in the frame of its annotations, else as stored; None if it cannot be decoded."""
    if case.file_name is None:
        return None
    try:
        folder: PhotoFolder = sources.of(case.which).folder()
        data = folder.read(case.file_name)
    except DataError:
        return None
    for declared_wh in (case.size_wh, None):
        try:
            return decode_photo(data, declared_wh)
        except InputError:
            continue
    return None


def _draw(case: Case, photo: Tensor, novel: Collection[str]) -> Picture:
    finite = [place for place, box in enumerate(case.boxes_xyxy) if all(map(math.isfinite, box))]
    boxes_xyxy = torch.tensor([case.boxes_xyxy[place] for place in finite]).reshape(-1, 4)
    captions = [case.captions[place] for place in finite]
    flags = [name in novel for name in captions]
    return as_picture(draw_objects(photo, boxes_xyxy, captions, flags, LONG_SIDE), case.text)
