"""Boxes that cannot be used are set aside with a reason; the others end within their photo."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezsd.pipeline.data.checks import MOST_BOXES, Quarantined, check_quarantined, clean_boxes, named
from ezsd.pipeline.data.tables import Boxes, boxes_from_rows, photos_from_rows
from ezsd.pipeline.errors import DataError

PHOTOS = photos_from_rows([(9, "wide.jpg", 100, 50), (4, "high.jpg", 50, 100)])


def boxes(*corners: tuple[float, ...], image_id: int = 9, area: float = 7.0) -> Boxes:
    return boxes_from_rows(
        [(number, image_id, 0, box, area, False) for number, box in enumerate(corners, start=1)]
    )


def test_boxes_inside_stay_as_they_are():
    given_boxes = boxes((0, 0, 100, 50), (3.25, 4.5, 10.125, 20))
    clean = clean_boxes(given_boxes, PHOTOS, 1)
    np.testing.assert_array_equal(clean.boxes.boxes_xyxy, given_boxes.boxes_xyxy)
    assert (clean.clipped, clean.quarantined) == (0, ())


def test_each_box_is_clipped_to_its_own_photo():
    wide = clean_boxes(boxes((-5, 10, 120, 60)), PHOTOS, 1)
    high = clean_boxes(boxes((-5, 10, 120, 60), image_id=4), PHOTOS, 1)
    assert wide.boxes.boxes_xyxy.tolist() == [[0, 10, 100, 50]]
    assert high.boxes.boxes_xyxy.tolist() == [[0, 10, 50, 60]]
    assert wide.clipped == high.clipped == 1


def test_rounding_is_not_counted_as_clipping():
    clean = clean_boxes(boxes((10, 10, 100.0000001, 50)), PHOTOS, 1)
    assert clean.clipped == 0
    assert clean.boxes.boxes_xyxy[0, 2] == 100


def test_all_boxes_of_a_photo_with_too_many_are_set_aside():
    rows = [(number, 4 if number == 9 else 9, 0, (1, 1, 9, 9), 64, False) for number in range(MOST_BOXES + 2)]
    clean = clean_boxes(boxes_from_rows(rows), PHOTOS, 1)
    assert clean.boxes.image_ids.tolist() == [4]
    assert len(clean.quarantined) == MOST_BOXES + 1 and "more than 5,000 boxes" in clean.quarantined[0].reason
    assert len(clean_boxes(boxes_from_rows(rows[1:]), PHOTOS, 1).boxes) == MOST_BOXES + 1


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((10, 10, 10, 20), "no area"),
        ((10, 10, 5, 20), "no area"),
        ((10, 10, float("nan"), 20), "not a finite number"),
        ((10, 10, float("inf"), 20), "not a finite number"),
        ((100, 10, 120, 20), "outside the photo"),
        ((10, -20, 30, 0), "outside the photo"),
        ((10, 10, 10.5, 20), "less than 1 pixel"),
        ((99.5, 10, 120, 20), "less than 1 pixel"),
    ],
)
def test_an_unusable_box_is_set_aside(box, reason):
    clean = clean_boxes(boxes((1, 1, 5, 5), box), PHOTOS, 1)
    assert clean.boxes.annotation_ids.tolist() == [1]
    (one,) = clean.quarantined
    assert (one.what, one.where) == ("box", "annotation 2 of image 9")
    assert reason in one.reason


def test_evaluation_keeps_boxes_of_less_than_a_pixel():
    assert len(clean_boxes(boxes((10, 10, 10.5, 20)), PHOTOS, 0).boxes) == 1
    assert len(clean_boxes(boxes((10, 10, 10, 20)), PHOTOS, 0).boxes) == 0


@pytest.mark.parametrize("area", [0.0, -1.0, float("nan")])
def test_an_area_that_is_none_becomes_the_boxs(area):
    assert clean_boxes(boxes((0, 0, 4, 5), area=area), PHOTOS, 1).boxes.areas.tolist() == [20]


def test_no_boxes():
    clean = clean_boxes(boxes(), PHOTOS, 1)
    assert clean.boxes.boxes_xyxy.shape == (0, 4)
    check_quarantined(clean.quarantined, 0, 0.0, 0)


coordinate = st.one_of(st.floats(-200, 200), st.floats())


@given(st.lists(st.tuples(coordinate, coordinate, coordinate, coordinate), max_size=20))
def test_every_box_is_usable_or_explained(corners):
    clean = clean_boxes(boxes(*corners), PHOTOS, 1)
    assert len(clean.boxes) + len(clean.quarantined) == len(corners)
    kept = clean.boxes.boxes_xyxy
    assert np.isfinite(kept).all()
    assert ((kept >= 0) & (kept <= [100, 50, 100, 50])).all()
    assert (kept[:, 2:] - kept[:, :2] >= 1).all()


def test_too_many_findings_are_refused():
    quarantined = named(
        "train", [Quarantined("photo", f"image {number} (x.jpg)", "gone") for number in range(5)]
    )
    check_quarantined(quarantined, 100, 0.05, 0)
    check_quarantined(quarantined, 6, 0.05, 5)
    with pytest.raises(DataError, match=r"prepare\.max_quarantined = 4 allow"):
        check_quarantined(quarantined, 6, 0.05, 4)
    with pytest.raises(DataError, match=r"5 of 99 photos .*max_quarantined_fraction = 0\.05") as error:
        check_quarantined(quarantined, 99, 0.05, 0)
    assert "train image 0 (x.jpg): gone; train image 1" in str(error.value)
    assert "image 3" not in str(error.value)
