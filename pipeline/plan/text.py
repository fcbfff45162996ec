"""A plan as people read it."""

from typing import TYPE_CHECKING

from ezsd.pipeline.progress import format_seconds

if TYPE_CHECKING:
    from ezsd.pipeline.plan.estimate import Plan, StageCost

COLUMNS = ("stage", "images", "crops", "forwards", "disk", "time")
UNITS = ("B", "kB", "MB", "GB", "TB")


def plan_text(plan: "Plan") -> str:
    """A table with a row for each stage, and what must be said about it."""
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
    """As a clock, from two days on in days."""
    return f"{seconds / 86400:,.1f} days" if seconds >= 2 * 86400 else format_seconds(seconds)


def _cells(cost: "StageCost") -> tuple[str, ...]:
    counts = (f"{count:,}" for count in (cost.images, cost.crops, cost.forwards))
    return (cost.stage, *counts, format_bytes(cost.bytes), format_time(cost.seconds))
