"""A comparison as a picture: for each question and measure, a row of dots for each result."""

import math
from collections.abc import Mapping

from markupsafe import escape

from ezsd.evaluation.groups import GROUPS
from ezsd.stages.pages.comparison.tables import Comparison, Table
from ezsd.stages.pages.comparison.text import title_of
from ezsd.stages.pages.report.table import percent

_WIDTH, _LEFT, _RIGHT = 760, 300, 40
_ROW, _HEAD, _FOOT, _LEGEND = 24, 44, 40, 28
_STYLE = """
svg { font: 13px system-ui, sans-serif; background: #fcfcfa; }
text { fill: #1d1f23; } .soft { fill: #5d636e; } .title { font-weight: 600; } .run { font-weight: 600; }
.grid { stroke: #dcdcd5; } .span { stroke: #c9c9c2; stroke-width: 2; }
.base { fill: #1f6fb4; } .novel { fill: #c25200; } .all { fill: #fcfcfa; stroke: #5d636e; stroke-width: 1.5; }
"""


def comparison_plot(comparison: Comparison) -> str:
    """An SVG that stands alone, runs in bold; results without a value of a measure are not in its panel."""
    body, top = [_legend()], _LEGEND
    for table in comparison.tables:
        for measure in table.measures:
            panel, height = _panel(table, measure)
            body.append(f'<g transform="translate(0 {top})">{panel}</g>')
            top += height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" width="{_WIDTH}" '
        f'height="{top}" role="img" aria-label="AP of runs and of published results">'
        f"<style>{_STYLE}</style>{''.join(body)}</svg>\n"
    )


def _panel(table: Table, measure: str) -> tuple[str, int]:
    rows = [
        (result.name, values, result in table.runs)
        for result in table.results
        if (values := _known(result.values.get(measure, {})))
    ]
    highest = 10 * math.ceil(max((max(values.values()) for _, values, _ in rows), default=0) / 10) or 10
    bottom = _HEAD + _ROW * len(rows)
    title = f'<text class="title" x="12" y="20">{escape(title_of(table.question))}: {escape(measure)}</text>'
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
        f'<text class="{kind}" x="{_LEFT - 14}" y="{y + 4.5}" text-anchor="end">{escape(_short(name))}</text>'
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
    name = f'<text class="soft" x="{_LEFT - 14}" y="{bottom + 16}" text-anchor="end">{escape(label)}</text>'
    return "".join(lines) + name


def _legend() -> str:
    return "".join(
        f'<circle class="{group}" cx="{_LEFT + 70 * place}" cy="16" r="5"/>'
        f'<text class="soft" x="{_LEFT + 70 * place + 10}" y="20.5">{group}</text>'
        for place, group in enumerate(GROUPS)
    )


def _known(values: Mapping[str, float | None]) -> dict[str, float]:
    return {group: value for group in GROUPS if (value := values.get(group)) is not None}


def _x(value: float, highest: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * value / highest


def _short(name: str, most: int = 38) -> str:
    """The end of a long path says more than its beginning."""
    return name if len(name) <= most else f"…{name[1 - most :]}"
