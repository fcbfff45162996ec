"""Curves and bars are where their values are."""

import re

import pytest

from ezsd.stages.pages.report.charts import histogram, line_chart, running_mean


def points(chart, css_class):
    path = re.search(rf'class="{css_class}" d="M([^"]*)"', chart).group(1)
    return [tuple(map(float, point.split())) for point in path.split("L")]


def test_a_curve_falls_from_left_to_right():
    drawn = points(line_chart([10, 20, 40], [3.0, 2.0, 0.0], "step", "falls"), "faint")
    (x0, y0), (x1, y1), (x2, y2) = drawn
    assert (x2 - x0) == pytest.approx(3 * (x1 - x0), abs=0.2)
    assert y0 < y1 < y2
    assert (y2 - y0) == pytest.approx(3 * (y1 - y0), abs=0.2)


def test_curves_of_one_and_of_no_point():
    assert len(points(line_chart([5], [1.0], "step", "one"), "bold")) == 1
    assert "<path" in line_chart([], [], "step", "none")


def test_bars_of_a_histogram_are_as_high_as_their_counts():
    chart = histogram([4, 0, 2], 0.0, 1.0, "score", "three bins")
    heights = [float(height) for height in re.findall(r'class="bar".*?height="([\d.]+)"', chart)]
    assert heights[0] == pytest.approx(2 * heights[2], abs=0.2)
    assert heights[1] == 0


def test_running_mean_shortens_at_the_ends():
    assert running_mean([1.0, 2.0, 3.0]) == [1.0, 2.0, 3.0]
    assert running_mean([0.0, 3.0, 6.0, 9.0], share=0.5) == [1.5, 3.0, 6.0, 7.5]
    assert running_mean([]) == []
