"""Outcomes of objects, worked out by hand."""

import pytest

from ezsd.evaluation.error_types import BACKGROUND, count_errors, photo_errors
from ezsd.split import Split

SPLIT = Split("toy", ("cat", "dog"), ("yak",))
CAT, DOG, YAK = 3, 5, 7
BOX, FAR = [0, 0, 40, 40], [100, 100, 40, 40]


def truth(*boxes):
    return {
        "images": [{"id": 1, "file_name": "1.png", "width": 200, "height": 200}],
        "categories": [{"id": CAT, "name": "cat"}, {"id": DOG, "name": "dog"}, {"id": YAK, "name": "yak"}],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": c, "bbox": b, "area": b[2] * b[3], "iscrowd": crowd}
            for n, (c, b, crowd) in enumerate(boxes, start=1)
        ],
    }


def detected(*boxes):
    return [
        {"image_id": 1, "category_id": c, "bbox": b, "score": 1 - n / 100} for n, (c, b) in enumerate(boxes)
    ]


def counts(ground_truth, detections, group="all"):
    rows = [row for row in count_errors(ground_truth, detections, SPLIT) if row.group == group]
    return {row.kind: row.count for row in rows if row.count}


def test_found_and_missed():
    both = truth((CAT, BOX, 0), (YAK, FAR, 0))
    detections = detected((CAT, BOX))
    assert counts(both, detections, "base") == {"found": 1}
    assert counts(both, detections, "novel") == {"missed": 1}
    assert counts(both, detections) == {"found": 1, "missed": 1}


def test_a_novel_object_called_by_a_base_name():
    # a dog elsewhere lets one dog box count
    ground_truth = truth((YAK, BOX, 0), (DOG, FAR, 0))
    assert counts(ground_truth, detected((DOG, BOX)), "novel") == {"wrong class": 1}
    assert counts(ground_truth, detected((DOG, BOX)), "base") == {"missed": 1}


def test_right_name_wrong_place():
    # IoU of 40x40 with 40x10 inside it is 0.25
    assert counts(truth((CAT, BOX, 0)), detected((CAT, [0, 0, 40, 10]))) == {"wrong place": 1}


def test_background_is_reckoned_to_the_name_that_was_said():
    ground_truth = truth((CAT, BOX, 0), (YAK, BOX, 0))
    detections = detected((YAK, FAR), (CAT, BOX))
    assert counts(ground_truth, detections, "novel") == {"missed": 1, BACKGROUND: 1}
    assert counts(ground_truth, detections, "base") == {"found": 1}


def test_only_as_many_boxes_of_a_class_count_as_it_has_objects():
    detections = detected((CAT, FAR), (CAT, BOX))  # the right one comes second, and there is one cat
    assert counts(truth((CAT, BOX, 0)), detections) == {"missed": 1, BACKGROUND: 1}


def test_a_box_takes_one_object_only():
    neighbours = truth((CAT, BOX, 0), (CAT, [4, 0, 40, 40], 0))
    assert counts(neighbours, detected((CAT, BOX))) == {"found": 1, "missed": 1}


def test_boxes_in_a_crowd_count_as_nothing():
    ground_truth = truth((CAT, BOX, 0), (CAT, [80, 80, 80, 80], 1))
    assert counts(ground_truth, detected((CAT, FAR), (CAT, BOX))) == {"found": 1}
    # a crowd of another class excuses nothing
    ground_truth = truth((CAT, BOX, 0), (DOG, [80, 80, 80, 80], 1))
    assert counts(ground_truth, detected((CAT, FAR), (CAT, BOX))) == {"missed": 1, BACKGROUND: 1}


def test_where_photos_say_what_they_were_searched_for_other_names_count_as_nothing():
    ground_truth = truth((CAT, BOX, 0))
    photo = ground_truth["images"][0]
    photo["neg_category_ids"], photo["not_exhaustive_category_ids"] = [], []
    astray = detected((CAT, FAR), (DOG, FAR))
    assert counts(ground_truth, astray) == {"missed": 1, BACKGROUND: 1}
    photo["not_exhaustive_category_ids"] = [CAT]
    assert counts(ground_truth, astray) == {"missed": 1}


def test_shares_of_the_objects():
    rows = count_errors(truth((CAT, BOX, 0), (DOG, FAR, 0)), detected((CAT, BOX)), SPLIT)
    table = {(row.group, row.kind): row.percent for row in rows}
    assert table["base", "found"] == table["base", "missed"] == 50.0
    assert table["novel", "found"] is None


@pytest.mark.parametrize("detections", [[], detected((CAT, BOX), (YAK, FAR))])
def test_no_objects(detections):
    rows = count_errors(truth(), detections, SPLIT)
    assert len(rows) == 15
    assert all(row.count == 0 and row.percent is None for row in rows)


def test_each_counted_box_has_a_kind():
    beside = [0, 30, 40, 40]  # 10 of 40 rows in common with BOX: IoU 1 / 7
    ground_truth = truth((CAT, BOX, 0), (CAT, FAR, 0), (DOG, FAR, 0), *[(YAK, [160, 0, 30, 30], 0)] * 3)
    detections = detected(
        (CAT, BOX), (CAT, [0, 0, 40, 36]), (DOG, BOX), (YAK, FAR), (YAK, beside), (YAK, [60, 60, 9, 9])
    )
    (photo,) = photo_errors(ground_truth, detections)
    assert photo.outcomes == ["found", "wrong class", "wrong class", "missed", "missed", "missed"]
    assert [(box["category_id"], kind) for box, kind in zip(photo.boxes, photo.kinds, strict=True)] == [
        (CAT, "found"),
        (CAT, "duplicate"),
        (DOG, "wrong class"),
        (YAK, "wrong class"),
        (YAK, "wrong class and place"),
        (YAK, "background"),
    ]
    in_place = [*photo_errors(truth((CAT, BOX, 0)), detected((CAT, beside)))]
    assert in_place[0].kinds == ["wrong place"]
    assert list(photo_errors(truth(), [])) == []
