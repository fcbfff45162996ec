"""A plan as text for people, and its warnings of too little disk or memory."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ezsd.cache.folders import artifact_files
from ezsd.pipeline.progress import format_seconds
from ezsd.pipeline.runner import artifact_folder

if TYPE_CHECKING:
    from ezsd.pipeline.plan.estimate import Plan, Timing
    from ezsd.pipeline.plan.rates import Rate

UNITS = ("B", "kB", "MB", "GB", "TB")
TOTAL = "total"
WORKER_BYTES = 10**9
"""About as much memory as a worker takes for its libraries and a batch of crops."""


def counts_text(plan: "Plan") -> str:
    """A table of what each stage does, then warnings."""
    keys = ("images", "crops", "forwards", "bytes")
    rows = [(work.stage, *(getattr(work, key) for key in keys)) for work in plan.stages]
    rows.append((TOTAL, *(sum(getattr(work, key) for work in plan.stages) for key in keys)))
    cells = [(name, *(f"{count:,}" for count in counts), format_bytes(size)) for name, *counts, size in rows]
    lines = _table([("stage", "images", "crops", "forwards", "disk"), *cells])
    return "\n".join([*lines, *(f"warning: {warning}" for warning in plan.warnings)])


def times_text(plan: "Plan", timing: "Timing") -> str:
    """A table of how long each stage takes, then notes."""
    rows = [*timing.stages.items(), (TOTAL, timing.total)]
    lines = _table([("stage", "time", "from", "to"), *((name, *_times(rate)) for name, rate in rows)])
    workers = f"{plan.workers} worker{'s' * (plan.workers != 1)}"
    probe = format_seconds(timing.probe_seconds)
    lines += [
        "",
        f"with {workers} on the {plan.device}; the probe took {probe}",
        "from and to: the spread of what was measured; scoring detections and drawing the report are not",
    ]
    return "\n".join([*lines, *timing.notes])


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell, the first one to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _times(rate: "Rate") -> tuple[str, str, str]:
    return format_time(rate.seconds), format_time(rate.low), format_time(rate.high)


def format_bytes(size: float) -> str:
    """`1234567` -> `1.2 MB`."""
    step = 0
    while size >= 1000 and step < len(UNITS) - 1:
        size, step = size / 1000, step + 1
    return f"{size:.1f} {UNITS[step]}" if step else f"{size:.0f} B"


def format_time(seconds: float) -> str:
    """`75` -> `1:15`; two days or more as days."""
    return f"{seconds / 86400:,.1f} days" if seconds >= 2 * 86400 else format_seconds(seconds)


def disk_warnings(root: Path, needed: Mapping[str, int]) -> Sequence[str]:
    """A warning if the artifacts, apart from existing files, need more than the free space."""
    missing = sum(max(0, size - _present(artifact_folder(root, stage))) for stage, size in needed.items())
    free = shutil.disk_usage(root).free
    if missing <= free:
        return ()
    return (
        f"the disk of {root} has {format_bytes(free)} free, the artifacts need {format_bytes(missing)} more: "
        "free space, or lower mine.keep, or set embed.dtype to int8",
    )


def memory_warnings(workers: int, teacher_bytes: int) -> Sequence[str]:
    """A warning if the workers, each with a teacher of that size, need more memory than the machine has."""
    needed = workers * (WORKER_BYTES + teacher_bytes)
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed <= there:
        return ()
    return (
        f"{workers} workers need {format_bytes(needed)} of memory, the machine has {format_bytes(there)}: "
        "set run.workers lower",
    )


def _present(folder: Path) -> int:
    return sum(path.stat().st_size for path in artifact_files(folder).values())
