"""A check of the data as people read it."""

from ezsd.pipeline.data_check.findings import DataReport, Findings, SetCounts
from ezsd.stages.pages.report.table import aligned_lines

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
