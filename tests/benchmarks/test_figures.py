"""The pictures of docs/method.md: what lands where, and the same bytes for the same picture."""

import io

import torch
from PIL import Image

from benchmarks.figures.__main__ import encode_png
from benchmarks.figures.sheet import BASE, NOVEL, PAPER, Line, beside, draw_bars, draw_lines

WHITE = Image.new("RGB", (60, 40), PAPER)


def test_a_box_is_drawn_at_its_zoomed_place_and_cut_at_the_border() -> None:
    panel = WHITE.copy()
    draw_lines(panel, [Line(torch.tensor([10.0, 5.0, 99.0, 15.0]), NOVEL, 1)], 2, corner=(5.0, 0.0))
    assert panel.getpixel((10, 10)) == NOVEL  # (10 - 5) * 2, 5 * 2
    assert panel.getpixel((59, 29)) == NOVEL  # cut at the right, and below at 15 * 2 - 1
    assert panel.getpixel((9, 10)) == PAPER and panel.getpixel((30, 30)) == PAPER


def test_later_boxes_lie_on_top() -> None:
    panel, box = WHITE.copy(), torch.tensor([5.0, 5.0, 20.0, 20.0])
    draw_lines(panel, [Line(box, BASE), Line(box, NOVEL)], 1)
    assert panel.getpixel((5, 5)) == NOVEL


def test_a_bar_is_as_long_as_its_share() -> None:
    chart = draw_bars(["", ""], [1.0, 0.5], [BASE, NOVEL], width=160)
    row = chart.height // 2
    assert chart.getpixel((99, 5)) == BASE and chart.getpixel((101, 5)) == PAPER
    assert chart.getpixel((49, row + 5)) == NOVEL and chart.getpixel((51, row + 5)) == PAPER


def test_panels_stand_in_a_row_and_give_the_same_bytes_each_time() -> None:
    sheet = beside([WHITE, Image.new("RGB", (30, 40), BASE)], [[], []], gap=10)
    assert sheet.width == 100 and sheet.getpixel((70, 0)) == BASE and sheet.getpixel((65, 0)) == PAPER
    assert encode_png(sheet) == encode_png(sheet.copy())
    assert Image.open(io.BytesIO(encode_png(sheet))).convert("RGB").getpixel((70, 0)) == BASE
