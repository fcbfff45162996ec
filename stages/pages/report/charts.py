"""Line charts and histograms as inline SVG; the style sheet of the page gives the colours."""

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

_WIDTH, _HEIGHT = 320, 176
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 10, 26
_PLOT_WIDTH, _PLOT_HEIGHT = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM


def line_chart(x: Sequence[float], y: Sequence[float], x_label: str, alt: str) -> Markup:
    """Draw a curve, its values faint and their running mean bold; the y axis starts at 0.

    Args:
        x: ascending.
        y: >= 0, a value for each x.
        x_label: below the axis.
        alt: describes the chart in words.
    """
    highest = _nice(max(y, default=0.0))
    span = (x[-1] - x[0] or 1.0) if x else 1.0
    places = [_LEFT + _PLOT_WIDTH * (value - x[0]) / span for value in x]
    raw = _path(places, y, highest)
    smooth = _path(places, running_mean(y), highest)
    ends = [(_LEFT, "start", _short(x[0])), (_LEFT + _PLOT_WIDTH, "end", _short(x[-1]))] if x else []
    body = f'<path class="faint" d="{raw}"/><path class="bold" d="{smooth}"/>'
    return _frame(_grid(highest) + body + _x_axis(ends, x_label), alt)


def histogram(counts: Sequence[int], low: float, high: float, x_label: str, alt: str) -> Markup:
    """Draw bars of equal width from `low` to `high`, as high as their counts.

    Args:
        counts: one for each bin.
        low: left end of the first bin.
        high: right end of the last bin.
        x_label: below the axis.
        alt: describes the chart in words.
    """
    highest = _nice(max(counts, default=0))
    width = _PLOT_WIDTH / max(len(counts), 1)
    bars = "".join(
        f'<rect class="bar" x="{_LEFT + width * place:.1f}" y="{_y(count, highest):.1f}" '
        f'width="{max(width - 1, 0.5):.1f}" height="{_y(0, highest) - _y(count, highest):.1f}"/>'
        for place, count in enumerate(counts)
    )
    ends = [(_LEFT, "start", f"{low:.2f}"), (_LEFT + _PLOT_WIDTH, "end", f"{high:.2f}")]
    return _frame(_grid(highest) + bars + _x_axis(ends, x_label), alt)


def running_mean(values: Sequence[float], share: float = 0.05) -> list[float]:
    """Centred means over a window of `share` of the values, at least one value; shorter at the ends."""
    half = int(len(values) * share / 2)
    windows = [values[max(0, place - half) : place + half + 1] for place in range(len(values))]
    return [sum(window) / len(window) for window in windows]


def _path(places: Sequence[float], values: Sequence[float], highest: float) -> str:
    points = [f"{place:.1f} {_y(value, highest):.1f}" for place, value in zip(places, values, strict=True)]
    return "M" + "L".join(points) if points else ""


def _y(value: float, highest: float) -> float:
    return _TOP + _PLOT_HEIGHT * (1 - value / highest)


def _grid(highest: float) -> str:
    lines = []
    for part in (0.0, 0.5, 1.0):
        y = _y(part * highest, highest)
        lines.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_LEFT + _PLOT_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{_short(part * highest)}</text>'
        )
    return "".join(lines)


def _x_axis(ends: Sequence[tuple[float, str, str]], label: str) -> str:
    texts = [*ends, (_LEFT + _PLOT_WIDTH / 2, "middle", label)]
    return "".join(
        f'<text x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}">{escape(text)}</text>'
        for x, anchor, text in texts
    )


def _frame(body: str, alt: str) -> Markup:
    return Markup(f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(alt)}">{body}</svg>')


def _nice(highest: float) -> float:
    """Round up to 1, 2, 4, 6, 8 or 10 times a power of ten: half of it is a short number too."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= highest * (1 - 1e-9))


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
