"""A comparison as Markdown, as JSON values and as an SVG plot."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import escape

from ezsd.cache.atomic import write_bytes_atomic
from ezsd.evaluation.groups import GROUPS
from ezsd.stages.pages.comparison import Comparison, PublishedResult, Setting, Table
from ezsd.stages.pages.report.table import ABSENT, aligned_lines, percent

_PLOT, _RIGHT = 420, 40
_LETTER, _LEAST_LEFT = 7.6, 200
"""Widths of a letter, at most, and of the narrowest column of names, in pixels."""
_ROW, _HEAD, _FOOT, _LEGEND = 24, 44, 40, 28
_STYLE = """
svg { font: 13px system-ui, sans-serif; background: #fcfcfa; }
text { fill: #1d1f23; } .soft { fill: #5d636e; } .title { font-weight: 600; } .run { font-weight: 600; }
.grid { stroke: #dcdcd5; } .span { stroke: #c9c9c2; stroke-width: 2; }
.base { fill: #1f6fb4; } .novel { fill: #c25200; } .all { fill: #fcfcfa; stroke: #5d636e; stroke-width: 1.5; }
"""


def write_comparison(out: Path, comparison: Comparison) -> None:
    """Write the Markdown, which shows the plot, to `out`, and the plot beside it."""
    plot = plot_beside(out)
    write_bytes_atomic(plot, comparison_plot(comparison).encode())
    picture = f"![AP of runs and of published results]({plot.name})"
    text = "\n\n".join(["# Comparison", picture, comparison_text(comparison)])
    write_bytes_atomic(out, f"{text}\n".encode())


def plot_beside(out: Path) -> Path:
    """`results.md` -> `results.svg`."""
    return out.with_suffix(".svg")


def comparison_text(comparison: Comparison) -> str:
    """Markdown: a table for each setting with its sources, and the names of what was left out."""
    parts = [_table_text(table) for table in comparison.tables]
    return "\n\n".join([*parts, *_left_out(comparison.left_out)])


def plain_values(comparison: Comparison) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "tables": [
            {
                "setting": dict(table.setting),
                "runs": [{"name": run.name, "values": run.values} for run in table.runs],
                "published": [_published_json(result) for result in table.published],
            }
            for table in comparison.tables
        ],
        "left_out": [_published_json(result) for result in comparison.left_out],
    }


def comparison_plot(comparison: Comparison) -> str:
    """An SVG without other files: a panel for each table and measure, a row of dots for each result."""
    names = [result.name for table in comparison.tables for result in table.results]
    left = max(_LEAST_LEFT, math.ceil(_LETTER * max(map(len, names), default=0)) + 28)
    body, top = [_legend()], _LEGEND
    for table in comparison.tables:
        for measure in table.measures:
            panel, height = _panel(table, measure)
            body.append(f'<g transform="translate(0 {top})">{panel}</g>')
            top += height
    width = left + _PLOT + _RIGHT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-left} 0 {width} {top}" width="{width}" '
        f'height="{top}" role="img" aria-label="AP of runs and of published results">'
        f"<style>{_STYLE}</style>{''.join(body)}</svg>\n"
    )


def _table_text(table: Table) -> str:
    head = ["in %", *(f"{measure} {group}" for measure, group in table.columns)]
    rows = [[_label(result.name), *_cells(table, result.values)] for result in table.results]
    return "\n".join(
        [
            f"## {_title(table.setting)}",
            "",
            f"{_conditions(table.setting)}{ABSENT}: not measured, or not reported.",
            "",
            *aligned_lines(head, rows),
            *_sources(table.published),
        ]
    )


def _conditions(setting: Setting) -> str:
    """`4,836 photos; ...`: what is neither in the title nor a sum of the rest."""
    parts = [
        f"{value:,} {key}" if isinstance(value, int) else f"{key} {value}"
        for key, value in setting.items()
        if key not in ("split", "protocol") and not key.startswith("all ")
    ]
    return f"{'; '.join(parts)}. " if parts else ""


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
        f"Left out, because their protocol or photos differ or are not stated: {names}. "
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


def _title(setting: Setting) -> str:
    """`coco_48_17, names known`."""
    return f"{setting.get('split')}, {setting['protocol'] or 'protocol not stated'}"


def _panel(table: Table, measure: str) -> tuple[str, int]:
    rows = [
        (result.name, values, result in table.runs)
        for result in table.results
        if (values := _known(result.values.get(measure, {})))
    ]
    highest = 10 * math.ceil(max((max(values.values()) for _, values, _ in rows), default=0) / 10) or 10
    bottom = _HEAD + _ROW * len(rows)
    title = f'<text class="title" x="0" y="20">{escape(_title(table.setting))}: {escape(measure)}</text>'
    drawn = [
        _row(_HEAD + _ROW * (place + 0.5), name, values, highest, "run" if run else "published")
        for place, (name, values, run) in enumerate(rows)
    ]
    return title + _axis(highest, bottom, f"{measure} in %") + "".join(drawn), bottom + _FOOT


def _row(y: float, name: str, values: Mapping[str, float], highest: float, kind: str) -> str:
    places = {group: _x(value, highest) for group, value in values.items()}
    ends = f'x1="{min(places.values()):.1f}" x2="{max(places.values()):.1f}"'
    dots = "".join(
        f'<circle class="{group}" cx="{places[group]:.1f}" cy="{y}" r="5">'
        f"<title>{escape(name)}: {group} {percent(values[group])}</title></circle>"
        for group in ("all", "base", "novel")
        if group in places
    )
    return (
        f'<text class="{kind}" x="-14" y="{y + 4.5}" text-anchor="end">{escape(name)}</text>'
        f'<line class="span" {ends} y1="{y}" y2="{y}"/>{dots}'
    )


def _axis(highest: int, bottom: float, label: str) -> str:
    lines = []
    for value in range(0, highest + 1, 2 if highest == 10 else 10):
        x = _x(value, highest)
        lines.append(
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_HEAD - 8}" y2="{bottom}"/>'
            f'<text class="soft" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{value}</text>'
        )
    name = f'<text class="soft" x="-14" y="{bottom + 16}" text-anchor="end">{escape(label)}</text>'
    return "".join(lines) + name


def _legend() -> str:
    return "".join(
        f'<circle class="{group}" cx="{6 + 70 * place}" cy="16" r="5"/>'
        f'<text class="soft" x="{16 + 70 * place}" y="20.5">{group}</text>'
        for place, group in enumerate(GROUPS)
    )


def _known(values: Mapping[str, float | None]) -> dict[str, float]:
    return {group: value for group in GROUPS if (value := values.get(group)) is not None}


def _x(value: float, highest: float) -> float:
    """Pixels from the axis, which is at 0: names stand on its left."""
    return _PLOT * value / highest
