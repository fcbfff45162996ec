"""Draws accuracy by epoch as curves, for pictures of `ezsd-cli inspect`."""

from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw

from ezsd.stages.pages.drawing import INK, PAPER, Colour, caption_font

_LEFT, _TOP, _WIDTH, _HEIGHT, _BOTTOM, _RIGHT = 56, 40, 420, 240, 48, 250
_COLOURS: tuple[Colour, ...] = ((204, 85, 0), (148, 103, 189), (31, 111, 180))
_GRID: Colour = (221, 221, 221)
_STEPS = 5


def draw_curves(curves: Mapping[str, Sequence[float]], marked: int, title: str) -> Image.Image:
    """Draw curves over epochs, each with its name at the right; the y axis covers all of them.

    Args:
        curves: name -> a percentage for each epoch, from 0; all of the same length, at most three.
        marked: an epoch that gets a vertical line.
        title: above them.
    """
    font = caption_font()
    chart = Image.new("RGB", (_LEFT + _WIDTH + _RIGHT, _TOP + _HEIGHT + _BOTTOM), PAPER)
    pen = ImageDraw.Draw(chart)
    epochs = max(len(values) for values in curves.values()) - 1
    low, high = _range([value for values in curves.values() for value in values])

    def x_of(epoch: int) -> float:
        return _LEFT + _WIDTH * epoch / max(epochs, 1)

    def y_of(value: float) -> float:
        return _TOP + _HEIGHT * (high - value) / (high - low)

    pen.text((8, 10), title, INK, font)
    for step in range(_STEPS + 1):
        value = low + (high - low) * step / _STEPS
        pen.line((_LEFT, y_of(value), _LEFT + _WIDTH, y_of(value)), _GRID)
        pen.text((_LEFT - 8, y_of(value)), f"{value:g} %", INK, font, anchor="rm")
    pen.line((x_of(marked), _TOP, x_of(marked), _TOP + _HEIGHT), INK)
    for epoch in range(epochs + 1):
        pen.text((x_of(epoch), _TOP + _HEIGHT + 8), str(epoch), INK, font, anchor="ma")
    pen.text((_LEFT + _WIDTH / 2, _TOP + _HEIGHT + 26), "epoch (line: chosen)", INK, font, anchor="ma")
    free = float(_TOP)
    for (name, values), colour in sorted(
        zip(curves.items(), _COLOURS, strict=False), key=lambda one: -one[0][1][-1]
    ):
        pen.line([(x_of(epoch), y_of(value)) for epoch, value in enumerate(values)], colour, 2)
        place = max(free, y_of(values[-1]))
        pen.text((_LEFT + _WIDTH + 10, place), f"{name} {values[-1]:.1f} %", colour, font, anchor="lm")
        free = place + 16
    return chart


def stack(pictures: Sequence[Image.Image]) -> Image.Image:
    """Pictures one above the other."""
    whole = Image.new("RGB", (max(one.width for one in pictures), sum(one.height for one in pictures)), PAPER)
    top = 0
    for one in pictures:
        whole.paste(one, (0, top))
        top += one.height
    return whole


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Multiples of 5 around all values, with a fifth of their distance also one."""
    low = 5.0 * (min(values) // 5)
    step = max(1, -(-(max(values) - low) // _STEPS))
    return low, low + _STEPS * step
