"""Masks as run lengths: COCO's forms in, masks out, and what a detector found."""

import math

import pytest
import torch

from ezsd.errors import InputError
from ezsd.masks import decode_masks, is_empty, paste_masks, run_lengths

SIZE_HW = (6, 8)
SQUARE = [[2, 1, 5, 1, 5, 4, 2, 4]]


def square_mask() -> torch.Tensor:
    """Pixels 2..4 in x and 1..3 in y."""
    mask = torch.zeros(SIZE_HW, dtype=torch.uint8)
    mask[1:4, 2:5] = 1
    return mask


def runs_of(mask: torch.Tensor) -> list[int]:
    """COCO's uncompressed run lengths: column by column, beginning with zeros."""
    flat, runs, value = mask.T.flatten().tolist(), [0], 0
    for pixel in flat:
        if pixel != value:
            runs.append(0)
            value = pixel
        runs[-1] += 1
    return runs


def test_all_forms_of_a_segmentation_are_one_mask() -> None:
    polygon = run_lengths(SQUARE, SIZE_HW)
    counts = run_lengths({"size": list(SIZE_HW), "counts": runs_of(square_mask())}, SIZE_HW)
    text = run_lengths({"size": list(SIZE_HW), "counts": polygon.decode()}, SIZE_HW)
    assert polygon == counts == text
    assert torch.equal(decode_masks([polygon], SIZE_HW)[0], square_mask())


def test_parts_of_an_object_are_one_mask_and_stay_in_the_photo() -> None:
    parts = [[0, 0, 2, 0, 2, 2, 0, 2], [6, 4, 900, 4, 900, 600, 6, 600]]
    mask = decode_masks([run_lengths(parts, SIZE_HW)], SIZE_HW)[0]
    assert mask[:2, :2].sum() == 4 and mask[4:, 6:].sum() == 4
    assert mask.sum() == 8


def test_polygons_without_an_area_leave_nothing() -> None:
    line = run_lengths([*SQUARE, [1, 2, 3, 4]], SIZE_HW)
    assert line == run_lengths(SQUARE, SIZE_HW) and not is_empty(line, SIZE_HW)
    for nothing in ([], [[1, 2, 3, 4]]):
        assert is_empty(run_lengths(nothing, SIZE_HW), SIZE_HW)


def test_no_masks() -> None:
    assert decode_masks([], SIZE_HW).shape == (0, *SIZE_HW)
    assert paste_masks(torch.zeros(0, 28, 28), torch.zeros(0, 4), SIZE_HW) == []


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ("lines", "neither a list of polygons nor run lengths"),
        ([[1, 2, 3, 4, 5]], "no list of numbers"),
        ([["a", "b", "c", "d", "e", "f"]], "no list of numbers"),
        ([[1, 2, 3, 4, 5, math.nan]], "no finite number"),
        ({"size": [8, 6], "counts": [48]}, "are of size"),
        ({"size": [6, 8], "counts": [47]}, "do not fit"),
        ({"size": [6, 8], "counts": [49, -1]}, "do not fit"),
        ({"size": [6, 8], "counts": "oooooooooooo"}, "do not fit"),
        ({"size": [6, 8]}, "do not fit"),
    ],
)
def test_what_is_no_mask_is_refused(segmentation: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        run_lengths(segmentation, SIZE_HW)


def test_a_full_grid_fills_its_box_and_an_empty_one_nothing() -> None:
    grids = torch.stack([torch.ones(28, 28), torch.zeros(28, 28)])
    boxes_xyxy = torch.tensor([[10.0, 20.0, 40.0, 50.0]] * 2)
    full, empty = paste_masks(grids, boxes_xyxy, (60, 80))
    mask = decode_masks([full["counts"].encode()], (60, 80))[0]
    y, x = mask.nonzero().T
    corners = [int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1]
    assert corners == pytest.approx([10, 20, 40, 50], abs=1)
    assert not decode_masks([empty["counts"].encode()], (60, 80)).any()


@pytest.mark.parametrize("number", [10**400, float("inf"), "a", None, [1]])
def test_a_polygon_of_impossible_numbers_is_refused(number):
    with pytest.raises(InputError, match="a polygon"):
        run_lengths([[1, 1, 5, 1, number, 5]], (8, 8))
