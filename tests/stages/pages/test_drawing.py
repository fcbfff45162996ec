"""What a person sees on the drawings."""

import pytest
import torch

from ezsd.errors import InputError
from ezsd.stages.pages.drawing import (
    BASE_COLOUR,
    NOVEL_COLOUR,
    caption,
    draw_bars,
    draw_objects,
    draw_proposals,
    score_colour,
    tint_masks,
)

GREY = torch.full((3, 64, 96), 128, dtype=torch.uint8)
BOX = torch.tensor([[10.0, 20.0, 40.0, 50.0]])


def colours(picture):
    return {colour for _, colour in picture.getcolors(maxcolors=picture.width * picture.height)}


def test_a_small_photo_is_doubled_and_a_large_one_shrunk():
    assert draw_objects(GREY, BOX, [""], [False]).size == (192, 128)
    assert draw_objects(torch.zeros(3, 600, 800, dtype=torch.uint8), BOX, [""], [False], 400).size == (
        400,
        300,
    )


def test_the_frame_lies_where_the_box_is():
    picture = draw_objects(GREY, BOX, [""], [False])
    assert picture.getpixel((20, 70)) == BASE_COLOUR  # left edge, x 10 doubled
    assert picture.getpixel((79, 70)) == BASE_COLOUR  # right edge, the last pixel inside 80
    assert picture.getpixel((50, 40)) == BASE_COLOUR
    assert picture.getpixel((50, 99)) == BASE_COLOUR
    assert picture.getpixel((50, 70)) == picture.getpixel((150, 10)) == (128, 128, 128)


def test_masks_are_laid_over_the_photo_in_the_colours_of_their_boxes():
    masks = torch.zeros(2, 64, 96, dtype=torch.uint8)
    masks[0, 10:20, 10:20] = masks[1, 15:30, 15:30] = 1
    tinted = tint_masks(GREY, masks, [True, False])
    half = [[64 + side // 2 for side in colour] for colour in (NOVEL_COLOUR, BASE_COLOUR)]
    assert tinted[:, 17, 17].tolist() == tinted[:, 12, 12].tolist() == half[0]
    assert tinted[:, 25, 25].tolist() == half[1]
    assert tinted[:, 5, 5].tolist() == [128] * 3
    assert torch.equal(tint_masks(GREY, masks[:0], []), GREY)


def test_novel_differs_from_base_and_carries_a_star():
    base = draw_objects(GREY, BOX, ["fish"], [False])
    novel = draw_objects(GREY, BOX, ["fish"], [True])
    assert NOVEL_COLOUR in colours(novel) and BASE_COLOUR not in colours(novel)
    assert NOVEL_COLOUR not in colours(base)
    label_width = [
        sum(picture.getpixel((x, 30)) != (128, 128, 128) for x in range(192)) for picture in (base, novel)
    ]
    assert label_width[1] > label_width[0]


def test_no_boxes_leave_the_photo():
    empty = draw_objects(GREY, torch.empty(0, 4), [], [])
    assert colours(empty) == {(128, 128, 128)}
    assert colours(draw_proposals(GREY, torch.empty(0, 4), torch.empty(0), [])) == {(128, 128, 128)}


def test_boxes_over_the_border_show_all_four_sides():
    picture = draw_objects(GREY, torch.tensor([[-30.0, -30.0, 500.0, 500.0]]), [""], [False])
    corners = [(0, 0), (191, 0), (0, 127), (191, 127)]
    assert {picture.getpixel(corner) for corner in corners} == {BASE_COLOUR}


@pytest.mark.parametrize("box", [[5, 5, 5, 5], [95, 63, 96, 64], [300, 300, 310, 310], [40, 1, 41, 63]])
def test_degenerate_boxes_and_long_captions_are_drawn(box):
    text = caption("a name that is much longer than the photo is wide", 0.5)
    picture = draw_objects(GREY, torch.tensor([box], dtype=torch.float32), [text], [True])
    assert NOVEL_COLOUR in colours(picture)


def test_captions_make_room_for_each_other():
    twice = BOX.repeat(2, 1)
    one = draw_objects(GREY, BOX, ["striped fish"], [False])
    two = draw_objects(GREY, twice, ["striped fish", "striped fish"], [False, False])
    blue = [sum(pixel == BASE_COLOUR for pixel in picture.get_flattened_data()) for picture in (one, two)]
    assert blue[1] > 1.3 * blue[0]


def test_proposals_are_coloured_by_score():
    boxes = torch.tensor([[5.0, 5, 30, 30], [50, 5, 90, 60]])
    seen = colours(draw_proposals(GREY, boxes, torch.tensor([3.2, -1.0]), ["", ""]))
    assert {score_colour(0), score_colour(1)} <= seen


def test_score_scale_is_clamped_and_interpolates():
    assert score_colour(-1) == score_colour(0) == (68, 1, 84)
    assert score_colour(2) == score_colour(1) == (253, 231, 37)
    assert score_colour(0.125) == (64, 42, 112)


def test_bars_grow_with_their_values():
    chart = draw_bars(["ln_1", "ln_2", "ln_3"], [2.0, 1.0, 0.0], ["2", "1", "0"], "change")
    rows = [
        sum(chart.getpixel((x, y)) == BASE_COLOUR for x in range(chart.width)) for y in range(chart.height)
    ]
    lengths = sorted(set(rows))
    assert lengths[-1] == pytest.approx(2 * lengths[-2], abs=2)
    assert draw_bars([], [], [], "nothing").size[0] > 0


def test_wrong_counts_and_wrong_photos_are_named():
    with pytest.raises(InputError, match="1 boxes need as many captions and flags or scores, got 2 and"):
        draw_objects(GREY, BOX, ["a", "b"], [True])
    with pytest.raises(InputError, match=r"float32 \(64, 96\)"):
        draw_objects(torch.zeros(64, 96), BOX, ["a"], [True])


def test_the_same_pixels_every_time():
    drawings = [draw_objects(GREY, BOX, ["fish 0.50"], [True]).tobytes() for _ in range(2)]
    assert drawings[0] == drawings[1]
