"""The drawing of a trade-off."""

import xml.etree.ElementTree as ElementTree

import pytest

from benchmarks.trade_off import Curve, draw_trade_off, even_ticks, logarithmic_ticks

SVG = "{http://www.w3.org/2000/svg}"


def test_each_point_is_marked_and_each_curve_named() -> None:
    curves = [Curve("20 boxes", [(1000, 60), (100, 50)]), Curve("a < b", [(100, 70), (1000, 80)])]
    drawing = ElementTree.fromstring(draw_trade_off(curves, "forwards", "recall"))
    dots = [(float(dot.get("cx", 0)), float(dot.get("cy", 0))) for dot in drawing.iter(f"{SVG}circle")]
    assert len(dots) == 4
    texts = [text.text for text in drawing.iter(f"{SVG}text")]
    assert {"20 boxes", "a < b", "forwards", "recall"} <= set(texts)
    cheap, dear = dots[:2]
    assert cheap[0] < dear[0] and cheap[1] > dear[1]  # to the right is dearer, above is better


def test_a_single_point_can_be_drawn() -> None:
    assert "<circle" in draw_trade_off([Curve("one", [(10, 5)])], "x", "y")


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(44, 85, [50, 60, 70, 80]), (0, 100, [0, 20, 40, 60, 80, 100]), (0.11, 0.14, [0.11, 0.12, 0.13, 0.14])],
)
def test_ticks_are_round_numbers(low: float, high: float, ticks: list[float]) -> None:
    assert even_ticks(low, high) == pytest.approx(ticks)


def test_ticks_of_a_logarithmic_axis_are_round_numbers() -> None:
    assert logarithmic_ticks(94, 5600) == [100, 200, 500, 1000, 2000, 5000]
    assert logarithmic_ticks(100, 100) == [100]
