"""The curve of novel AP50 against steps, as SVG."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.ablation.summary import CurvePoint

_WIDTH, _HEIGHT = 560, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 40, 44
_LEGEND_WIDTH = 130
_COLOURS = ("#d9480f", "#1971c2")
_TICKS = 4
_ROUND = (1.0, 1.2, 1.6, 2.0, 2.4, 2.8, 3.2, 4.0, 6.0, 8.0, 10.0)


def curve_chart(curves: Mapping[str, Sequence[CurvePoint]]) -> str:
    """Draw a line through the means of each of two curves and a dot per seed; both axes start at 0."""
    points = [point for curve in curves.values() for point in curve]
    axes = _Axes(
        rounded_up(max((float(point.steps) for point in points), default=1.0)),
        rounded_up(max((value for point in points for value in point.values), default=1.0)),
    )
    body = [axes.draw()]
    for place, ((title, curve), colour) in enumerate(zip(curves.items(), _COLOURS, strict=True)):
        body += [axes.draw_curve(curve, colour), _legend(title, place, colour)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="13" role="img" '
        f'aria-label="Novel AP50 against training steps: {escape(", ".join(curves))}">\n'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


@dataclass(frozen=True)
class _Axes:
    """Two axes from 0 to these values."""

    steps: float
    percent: float

    def draw(self) -> str:
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        ticks = [
            self._tick(self.steps * tick / _TICKS, self.percent * tick / _TICKS) for tick in range(_TICKS + 1)
        ]
        titles = (
            f'<text x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle" fill="#444">steps</text>'
            f'<text x="{_LEFT}" y="18" fill="#444">novel AP50, %</text>'
        )
        return "\n".join([*ticks, titles])

    def draw_curve(self, curve: Sequence[CurvePoint], colour: str) -> str:
        places = " ".join(f"{self._x(point.steps):.1f},{self._y(point.mean):.1f}" for point in curve)
        dots = "".join(
            f'<circle cx="{self._x(point.steps):.1f}" cy="{self._y(value):.1f}" r="3" fill="{colour}" '
            'fill-opacity=".4"/>'
            for point in curve
            for value in point.values
        )
        return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'

    def _tick(self, steps: float, percent: float) -> str:
        x, y = self._x(steps), self._y(percent)
        return (
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e3e5e8"/>'
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#444">{percent:g}</text>'
            f'<text x="{x:.1f}" y="{_HEIGHT - 24}" text-anchor="middle" fill="#444">{steps:g}</text>'
        )

    def _x(self, steps: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * steps / self.steps

    def _y(self, percent: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - percent / self.percent)


def rounded_up(highest: float) -> float:
    """Round up to a number with short quarters: 900 -> 1000, 21.4 -> 24; 1 for 0."""
    if highest <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(highest))
    return next(step for step in _ROUND if step * unit >= highest) * unit


def _legend(title: str, place: int, colour: str) -> str:
    x = _WIDTH - _RIGHT - _LEGEND_WIDTH * (len(_COLOURS) - place)
    return (
        f'<line x1="{x}" x2="{x + 22}" y1="14" y2="14" stroke="{colour}" stroke-width="2"/>'
        f'<text x="{x + 28}" y="18" fill="#222">{escape(title)}</text>'
    )
