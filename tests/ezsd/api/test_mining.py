"""Mining of one photo with every anchor, and with a fitted cascade."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from torchvision.ops import box_iou

import ezsd

NAMES = ("red", "green", "blue")
BOXES = [[4.0, 4, 28, 28], [34, 6, 60, 40]]


def coloured(labels: list[int]) -> Image.Image:
    """64 x 48, with a box of `BOXES` in the colour of each label."""
    photo = Image.new("RGB", (64, 48), "grey")
    for box, label in zip(BOXES, labels, strict=False):
        ImageDraw.Draw(photo).rectangle(box, fill=NAMES[label])
    return photo


GRID = ezsd.MineConfig(long_side=64, short_side=48, stride=16, scales=(1.0, 2.0), ratios=(1.0,), keep=6)


def test_proposals_are_free_of_base_boxes_and_base_names(tiny_teacher: ezsd.Teacher) -> None:
    photo = coloured([0, 1])
    free = ezsd.mine(tiny_teacher, photo, NAMES, config=GRID)
    assert free.anchors == 4 * 3 * 2 and free.names == NAMES and 0 < len(free) <= 6
    assert free.scores.tolist() == sorted(free.scores.tolist(), reverse=True)
    assert (free.scores >= 0).all() and (free.scores <= np.log(3)).all()
    likeliest = NAMES[int(free.labels[0])]
    others = ezsd.mine(tiny_teacher, photo, NAMES, base_names=[likeliest], config=GRID)
    assert likeliest not in {NAMES[label] for label in others.labels.tolist()}
    known = free.boxes_xyxy[:1]
    beside = ezsd.mine(tiny_teacher, photo, NAMES, base_boxes=known, config=GRID)
    assert len(beside) and (box_iou(beside.boxes_xyxy, known) < GRID.base_iou).all()


def test_labels_index_the_names_as_given(tiny_teacher: ezsd.Teacher) -> None:
    photo = coloured([2, 1])
    one = ezsd.mine(tiny_teacher, photo, NAMES, base_names=["red"], config=GRID)
    other = ezsd.mine(tiny_teacher, photo, NAMES[::-1], base_names=["red"], config=GRID)
    named = [[found.names[label] for label in found.labels.tolist()] for found in (one, other)]
    assert named[0] == named[1]


def test_a_base_name_must_be_a_name(tiny_teacher: ezsd.Teacher) -> None:
    with pytest.raises(ezsd.InputError, match="'owl' is not among names"):
        ezsd.mine(tiny_teacher, coloured([0]), NAMES, base_names=["owl"])


def test_a_cascade_encodes_fewer_crops(tiny_teacher: ezsd.Teacher) -> None:
    photos, boxes = [coloured([0, 1]), coloured([2, 0])], [BOXES, BOXES]
    fine = ezsd.MineConfig(long_side=64, short_side=48, stride=4, scales=(2.0, 4.0), ratios=(1.0,), keep=6)
    cascade = ezsd.fit_cascade(
        tiny_teacher, photos, boxes, config=fine, cascade=ezsd.CascadeConfig(fraction=0.25)
    )
    found = ezsd.mine(tiny_teacher, photos[0], NAMES, config=fine, cascade=cascade)
    exhaustive = ezsd.mine(tiny_teacher, photos[0], NAMES, config=fine)
    assert found.anchors == exhaustive.anchors == 12 * 16 * 2
    assert 0 < found.forwards <= 0.25 * found.anchors < exhaustive.forwards
    assert 0 < len(found) <= 6 and found.names == NAMES


def test_a_cascade_needs_boxes_of_each_photo(tiny_teacher: ezsd.Teacher) -> None:
    with pytest.raises(ezsd.InputError, match="of one length, at least 1, got 1 and 2"):
        ezsd.fit_cascade(tiny_teacher, [coloured([0])], [BOXES, BOXES])
    with pytest.raises(ezsd.InputError, match=r"boxes of photo 0: .*\(N, 4\)"):
        ezsd.fit_cascade(tiny_teacher, [coloured([0])], [[[1.0, 2, 3]]])
