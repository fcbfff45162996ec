"""A plan as text for people, and its warnings of too little disk or memory."""

import os
import resource
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ezsd.cache.folders import artifact_files
from ezsd.pipeline.progress import format_seconds
from ezsd.pipeline.runner import artifact_folder

if TYPE_CHECKING:
    from ezsd.pipeline.plan.estimate import Plan
    from ezsd.pipeline.plan.scaling import StageCost

COLUMNS = ("stage", "images", "crops", "forwards", "disk", "time")
UNITS = ("B", "kB", "MB", "GB", "TB")


def plan_text(plan: "Plan") -> str:
    """A table with a row for each stage, then notes and warnings."""
    rows = [COLUMNS, *map(_cells, (*plan.stages, plan.total))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines.append("")
    lines.append(
        f"with {plan.workers} worker{'s' * (plan.workers != 1)} on the {plan.device}; the probe took "
        f"{format_seconds(plan.probe_seconds)}"
    )
    lines += plan.notes
    lines += [f"warning: {warning}" for warning in plan.warnings]
    return "\n".join(lines)


def format_bytes(size: float) -> str:
    """`1234567` -> `1.2 MB`."""
    step = 0
    while size >= 1000 and step < len(UNITS) - 1:
        size, step = size / 1000, step + 1
    return f"{size:.1f} {UNITS[step]}" if step else f"{size:.0f} B"


def format_time(seconds: float) -> str:
    """`75` -> `1:15`; two days or more as days."""
    return f"{seconds / 86400:,.1f} days" if seconds >= 2 * 86400 else format_seconds(seconds)


def _cells(cost: "StageCost") -> tuple[str, ...]:
    counts = (f"{count:,}" for count in (cost.images, cost.crops, cost.forwards))
    return (cost.stage, *counts, format_bytes(cost.bytes), format_time(cost.seconds))


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


def memory_warnings(workers: int) -> Sequence[str]:
    """A warning if the workers need more memory than the machine has."""
    unit = 1 if sys.platform == "darwin" else 1024
    own, child = (
        resource.getrusage(who).ru_maxrss * unit for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    needed, there = max(own, workers * child), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed <= there:
        return ()
    return (
        f"{workers} workers need {format_bytes(needed)} of memory, the machine has {format_bytes(there)}: "
        "set run.workers lower",
    )


def _present(folder: Path) -> int:
    return sum(path.stat().st_size for path in artifact_files(folder).values())
