"""The index holds usable photos, sorted, and their boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezsd.cache.index import read_index, write_index
from ezsd.pipeline.data.checks import Quarantined
from ezsd.pipeline.data.prepared import Inspected, box_table, index_training, index_validation
from ezsd.pipeline.data.tables import boxes_from_rows, photos_from_rows
from ezsd.pipeline.errors import DataError

PHOTOS = photos_from_rows([(9, "i.jpg", 10, 20), (4, "d.jpg", 30, 40), (6, "f.jpg", 50, 60)])
BOXES = boxes_from_rows(
    [
        (3, 9, 1, (1, 2, 3, 4), 4.0, False),
        (8, 4, 0, (5, 6, 7, 8), 4.0, True),
        (2, 9, 0, (0, 0, 9, 9), 80.5, False),
    ]
)


def seen(*usable: bool) -> Inspected:
    quarantined = tuple(Quarantined("photo", "image ?", "bad") for one in usable if not one)
    return Inspected(
        np.repeat(np.array([[90], [40], [60]], np.uint8), 16, axis=1), np.array(usable), quarantined
    )


def test_rows_are_sorted_by_image_then_annotation(tmp_path):
    index = index_training(PHOTOS, seen(True, True, True), BOXES, "keep")
    assert index.photos.image_ids.tolist() == [4, 6, 9]
    assert index.photos.file_names == ["d.jpg", "f.jpg", "i.jpg"]
    assert index.photos.sizes_wh.tolist() == [[30, 40], [50, 60], [10, 20]]
    assert index.photos.digests[:, 15].tolist() == [40, 60, 90]
    assert index.boxes.offsets.tolist() == [0, 1, 1, 3]
    assert index.boxes_of(2).annotation_ids.tolist() == [2, 3]
    assert index.boxes_of(2).areas.tolist() == [80.5, 4]
    assert index.boxes_of(0).crowd.tolist() == [True]
    write_index(tmp_path / "train.h5", index)
    assert read_index(tmp_path / "train.h5").boxes.labels.tolist() == [0, 0, 1]


def test_photos_without_base_boxes_are_dropped_on_request():
    index = index_training(PHOTOS, seen(True, True, True), BOXES, "drop")
    assert index.photos.image_ids.tolist() == [4, 9]
    assert index.boxes.offsets.tolist() == [0, 1, 3]


def test_boxes_of_unusable_photos_go_with_them():
    index = index_training(PHOTOS, seen(False, True, True), BOXES, "keep")
    assert index.photos.image_ids.tolist() == [4, 6]
    assert index.boxes.annotation_ids.tolist() == [8]


def test_nothing_left_is_an_error():
    with pytest.raises(DataError, match=r"no base box is left .* the first being image \?: bad"):
        index_training(PHOTOS, seen(False, False, True), BOXES, "keep")
    with pytest.raises(DataError, match="no validation photo is usable"):
        index_validation(PHOTOS, seen(False, False, False))


def test_validation_has_no_boxes():
    index = index_validation(PHOTOS, seen(True, True, False))
    assert index.photos.image_ids.tolist() == [4, 9]
    assert len(index.boxes) == 0
    assert index.boxes_of(1).boxes_xyxy.shape == (0, 4)


def test_no_boxes_and_no_photos():
    table = box_table(boxes_from_rows([]), np.array([], dtype=np.int64))
    assert table.offsets.tolist() == [0]
    assert table.boxes_xyxy.shape == (0, 4)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), max_size=30), st.randoms())
def test_the_order_of_the_file_does_not_matter(pairs, random):
    rows = [
        (number, image_id, label, (0, 0, 1, 1), 1.0, False) for number, (image_id, label) in enumerate(pairs)
    ]
    shuffled = random.sample(rows, len(rows))
    image_ids = np.array([0, 2, 3, 6])
    first, second = (box_table(boxes_from_rows(some), image_ids) for some in (rows, shuffled))
    for name, column in vars(first).items():
        np.testing.assert_array_equal(column, getattr(second, name))
    for photo, image_id in enumerate(image_ids):
        ids = first.annotation_ids[first.offsets[photo] : first.offsets[photo + 1]]
        assert ids.tolist() == [number for number, pair in enumerate(pairs) if pair[0] == image_id]
