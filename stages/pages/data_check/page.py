"""From a report on the data to text for the terminal and to a page."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import jinja2
from markupsafe import Markup

from ezsd.cache.atomic import write_bytes_atomic
from ezsd.pipeline.data.sources import DataSources
from ezsd.pipeline.data_check.findings import DataReport, Findings, SetCounts
from ezsd.pipeline.errors import PipelineError
from ezsd.stages.pages.data_check.pictures import Shown, illustrate
from ezsd.stages.pages.report.page import STYLE
from ezsd.stages.pages.report.page import read_part as read_report_part
from ezsd.stages.pages.report.table import aligned_lines

PAGE, TEMPLATE = "index.html", "page.html"
SHOWN = 3
COUNTS = {
    "photos": "photos",
    "empty_photos": "photos without a box of the split",
    "base": "base boxes",
    "novel": "novel boxes",
    "crowd": "crowd regions",
    "small": "small boxes (area under 32²)",
    "medium": "medium boxes (under 96²)",
    "large": "large boxes",
    "clipped": "boxes that stick out of their photo",
}
"""What each of the counts is, in words."""


def require_own_folder(out: Path) -> None:
    """Raises PipelineError when the folder of the page holds anything but an earlier page."""
    strangers = sorted(path.name for path in out.iterdir() if path.name != PAGE) if out.is_dir() else []
    if strangers:
        raise PipelineError(
            f"{out} holds other files, such as {strangers[0]}: give a new folder for the page"
        )


def write_page(report: DataReport, sources: DataSources, out: Path) -> None:
    """Write the page into the folder, with a picture of each kind of finding."""
    write_bytes_atomic(out / PAGE, render_page(report, illustrate(report, sources)).encode())


def render_page(report: DataReport, shown: Sequence[Shown]) -> str:
    """The whole page; the same report and photos give the same bytes."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.undefined = jinja2.StrictUndefined
    environment.filters["thousands"] = "{:,}".format
    template = (resources.files("ezsd.stages.pages.data_check") / TEMPLATE).read_text(encoding="utf-8")
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
    lines += [_told(found) for found in report.findings] or ["no finding"]
    lines += report.notes
    lines += [f"stops the pipeline: {sentence}" for sentence in report.stops]
    return "\n".join([*lines, verdict(report)])


def verdict(report: DataReport) -> str:
    """Whether the pipeline would stop, in one sentence."""
    count = len(report.stops)
    if not count:
        return "nothing stops the pipeline"
    return f"the pipeline would stop at {count} thing{'s' * (count != 1)}: mend, and check again"


def count_rows(report: DataReport) -> list[tuple[str, ...]]:
    """A row for each kind of count, a column for each set."""
    return [
        (words, *(f"{_count(counts, key):,}" for counts in report.sets.values()))
        for key, words in COUNTS.items()
    ]


def name_rows(report: DataReport) -> list[tuple[str, ...]]:
    """A row for each name: its side of the split, its boxes in each set."""
    return [(one.name, one.group, *(f"{count:,}" for count in one.boxes.values())) for one in report.names]


def _count(counts: SetCounts, key: str) -> int:
    value: int = getattr(counts, key)
    return value


def _told(found: Findings) -> str:
    shown = "; ".join(case.said for case in found.cases[:SHOWN])
    more = f"; and {len(found.cases) - SHOWN:,} more" if len(found.cases) > SHOWN else ""
    return f"{found.which}, {found.kind} ({len(found.cases):,}): {shown}{more}"
