"""A comparison as Markdown and as plain values."""

from collections.abc import Mapping, Sequence
from typing import Any

from ezsd.stages.pages.comparison.results import PublishedResult, Question
from ezsd.stages.pages.comparison.tables import Comparison, Table
from ezsd.stages.pages.report.table import ABSENT, aligned_lines, percent


def comparison_text(comparison: Comparison) -> str:
    """Markdown: a table for each question with its sources, and what was left out."""
    parts = [_table_text(table) for table in comparison.tables]
    return "\n\n".join([*parts, *_left_out(comparison.left_out)])


def plain_values(comparison: Comparison) -> dict[str, Any]:
    """The same as plain values; a result without a source is a run."""
    return {
        "tables": [
            {
                "question": dict(table.question),
                "runs": [{"name": run.name, "values": run.values} for run in table.runs],
                "published": [_published_json(result) for result in table.published],
            }
            for table in comparison.tables
        ],
        "left_out": [_published_json(result) for result in comparison.left_out],
    }


def title_of(question: Question) -> str:
    """`coco_48_17, names known`."""
    return f"{question.get('split')}, {question['protocol'] or 'protocol not stated'}"


def _table_text(table: Table) -> str:
    head = ["in %", *(f"{measure} {group}" for measure, group in table.columns)]
    rows = [[_label(result.name), *_cells(table, result.values)] for result in table.results]
    return "\n".join(
        [
            f"## {title_of(table.question)}",
            "",
            f"{_conditions(table.question)}{ABSENT}: not measured, or not reported.",
            "",
            *aligned_lines(head, rows),
            *_sources(table.published),
        ]
    )


def _conditions(question: Question) -> str:
    """`4,836 photos; ...`: what the title and the parts of a sum do not say already."""
    said = [
        f"{value:,} {key}" if isinstance(value, int) else f"{key} {value}"
        for key, value in question.items()
        if key not in ("split", "protocol") and not key.startswith("all ")
    ]
    return f"{'; '.join(said)}. " if said else ""


def _cells(table: Table, values: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    return [percent(values.get(measure, {}).get(group)) for measure, group in table.columns]


def _label(name: str) -> str:
    return name.replace("|", "\\|")


def _sources(published: Sequence[PublishedResult]) -> list[str]:
    lines = [f"- {result.name}: {result.title}, <{result.url}>; {result.needs}" for result in published]
    return ["", "Published, with what they cost or build on:", "", *lines] if lines else []


def _left_out(results: Sequence[PublishedResult]) -> list[str]:
    if not results:
        return []
    names = ", ".join(dict.fromkeys(result.name for result in results))
    return [
        f"Left out, because their protocol or their photos are others or not stated: {names}. "
        "`--mixed` shows them in tables of their own."
    ]


def _published_json(result: PublishedResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "protocol": result.protocol,
        "photos": result.photos,
        "values": result.values,
        "needs": result.needs,
        "source": {"title": result.title, "url": result.url},
    }
