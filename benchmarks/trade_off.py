"""Curves of gain against cost as a standalone SVG; the cost axis is logarithmic."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 560, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 130, 16, 48
_COLOURS = ("#1f6feb", "#d29922", "#2da44e", "#8250df")
_ROUND = (1, 2, 5)
_MOST_TICKS = 6


@dataclass(frozen=True)
class Curve:
    """A named curve through points (cost > 0, gain)."""

    name: str
    points: Sequence[tuple[float, float]]


def draw_trade_off(curves: Sequence[Curve], x_label: str, y_label: str) -> str:
    """Draw an SVG of the curves; their points are marked and joined in order of cost."""
    points = [point for curve in curves for point in curve.points]
    x_axis = _Axis([math.log10(x) for x, _ in points], _LEFT, _WIDTH - _RIGHT)
    y_axis = _Axis([y for _, y in points], _HEIGHT - _BOTTOM, _TOP)
    parts = [_frame(x_axis, y_axis, x_label, y_label)]
    for curve, colour in zip(curves, _COLOURS, strict=False):
        parts.append(_curve(curve, colour, x_axis, y_axis))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>{"".join(parts)}</svg>\n'
    )


class _Axis:
    """Maps values to pixels between two ends, with a margin of 5 %."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        margin = 0.05 * (max(values) - min(values)) or 1.0
        self.low, self.high = min(values) - margin, max(values) + margin
        self._start, self._end = start, end

    def place(self, value: float) -> float:
        """Return the pixel of a value."""
        return self._start + (self._end - self._start) * (value - self.low) / (self.high - self.low)


def even_ticks(low: float, high: float) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten in `low..high`, few enough to fit."""
    steps = (digit * 10.0**power for power in range(-3, 9) for digit in _ROUND)
    step = next(step for step in steps if (high - low) / step < _MOST_TICKS)
    return [step * count for count in range(math.ceil(low / step), math.floor(high / step) + 1)]


def logarithmic_ticks(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times powers of ten in the positive range `low..high`."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [tick for power in powers for digit in _ROUND if low <= (tick := digit * 10.0**power) <= high]


def _frame(x_axis: _Axis, y_axis: _Axis, x_label: str, y_label: str) -> str:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = [f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="#57606a"/>']
    for value in logarithmic_ticks(10**x_axis.low, 10**x_axis.high):
        x = x_axis.place(math.log10(value))
        parts.append(f'<path d="M{x:.0f} {bottom}v5" stroke="#57606a"/>')
        parts.append(f'<text x="{x:.0f}" y="{bottom + 18}" text-anchor="middle">{value:,.0f}</text>')
    for value in even_ticks(y_axis.low, y_axis.high):
        y = y_axis.place(value)
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.0f}" text-anchor="end">{value:.0f}</text>')
        parts.append(f'<path d="M{_LEFT} {y:.0f}H{right}" stroke="#d0d7de" fill="none"/>')
    middle = (_TOP + bottom) / 2
    parts.append(
        f'<text x="{(_LEFT + right) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>'
    )
    rotation = f'transform="rotate(-90 14 {middle})"'
    parts.append(f'<text x="14" y="{middle}" text-anchor="middle" {rotation}>{escape(y_label)}</text>')
    return "".join(parts)


def _curve(curve: Curve, colour: str, x_axis: _Axis, y_axis: _Axis) -> str:
    places = [(x_axis.place(math.log10(x)), y_axis.place(y)) for x, y in sorted(curve.points)]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places)
    x, y = places[-1]
    name = f'<text x="{x + 10:.1f}" y="{y + 4:.1f}" fill="{colour}">{escape(curve.name)}</text>'
    return f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}{name}'
