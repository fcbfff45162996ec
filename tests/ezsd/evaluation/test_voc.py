"""VOC's AP by hand, and by the loop of VOC's development kit."""

import numpy as np
import pytest

from ezsd.evaluation.voc import IOUS, area_under_curve, eleven_points, score_detections
from ezsd.split import Split

SPLIT = Split("toy", ("cat", "dog"), ("yak",))
CAT, DOG, YAK = 3, 5, 2
CATEGORIES = [{"id": CAT, "name": "cat"}, {"id": DOG, "name": "dog"}, {"id": YAK, "name": "yak"}]
BOX, FAR = [10, 10, 50, 50], [120, 120, 40, 40]


def toy(*rows):
    """Ground truth of `(image_id, category_id, bbox, difficult)` rows."""
    return {
        "images": [{"id": 1}, {"id": 2}],
        "categories": CATEGORIES,
        "annotations": [
            {"id": n, "image_id": i, "category_id": c, "bbox": b, "area": b[2] * b[3], "iscrowd": difficult}
            for n, (i, c, b, difficult) in enumerate(rows, start=1)
        ],
    }


def found(image_id, category_id, bbox, score):
    return {"image_id": image_id, "category_id": category_id, "bbox": bbox, "score": score}


def cats(truth, *detections, limit=100):
    return score_detections(truth, detections, [limit])[limit].ap50[0]


def test_difficult_objects_are_neither_to_be_found_nor_an_error():
    truth = toy((1, CAT, BOX, 0), (1, CAT, FAR, 1))
    assert cats(truth, found(1, CAT, FAR, 0.9), found(1, CAT, FAR, 0.8), found(1, CAT, BOX, 0.1)) == 1
    assert cats(truth, found(1, CAT, FAR, 0.9)) == 0
    assert np.isnan(cats(toy((1, CAT, BOX, 1)), found(1, CAT, BOX, 0.9)))


def test_a_small_box_inside_a_difficult_object_is_an_error():
    # COCO forgives it, for it lies wholly in what is ignored; here its IoU of 0.25 counts
    truth = toy((1, CAT, BOX, 0), (1, CAT, FAR, 1))
    assert cats(truth, found(1, CAT, [120, 120, 20, 20], 0.9), found(1, CAT, BOX, 0.1)) == pytest.approx(0.5)


def test_a_second_box_is_an_error_though_another_object_is_near():
    # the second box overlaps its own first choice by 50/60 and the free neighbour by 40/70
    truth = toy((1, CAT, [0, 0, 55, 10], 0), (1, CAT, [15, 0, 55, 10], 0))
    boxes = found(1, CAT, [0, 0, 55, 10], 0.9), found(1, CAT, [5, 0, 55, 10], 0.8)
    assert cats(truth, *boxes) == pytest.approx(0.5)


def test_area_and_eleven_points_of_one_curve():
    # right, wrong, right of 4 objects: precision 1 up to recall 1/4, 2/3 up to 2/4, then nothing
    right = np.array([True, False, True])
    assert area_under_curve(right, ~right, 4) == pytest.approx(1 / 4 + 2 / 3 / 4)
    # recalls 0, .1, .2 at 1; .3, .4, .5 at 2/3; five more at 0
    assert eleven_points(right, ~right, 4) == pytest.approx((3 + 3 * 2 / 3) / 11)


def test_groups_and_the_names_of_the_numbers():
    truth = toy((1, CAT, BOX, 0), (1, DOG, FAR, 0), (2, DOG, BOX, 0))
    scores = score_detections(truth, [found(1, CAT, BOX, 0.9), found(2, DOG, BOX, 0.8)], [100])[100]
    groups = scores.by_group(SPLIT)
    assert list(groups) == ["AP", "AP50", "AP75", "AP50_11_points"]
    assert groups["AP50"] == groups["AP"] == {"base": 75.0, "novel": None, "all": 75.0}
    assert groups["AP50_11_points"]["base"] == pytest.approx(100 * (1 + 6 / 11) / 2, abs=1e-4)


def test_no_detections_and_a_limit():
    truth = toy((1, CAT, BOX, 0), (1, CAT, FAR, 0))
    assert cats(truth) == 0
    both = found(1, CAT, BOX, 0.9), found(1, CAT, FAR, 0.8)
    assert (cats(truth, *both), cats(truth, *both, limit=1)) == (1, 0.5)


def by_the_development_kit(objects, boxes, threshold):
    """VOCevaldet.m, line by line, for one class of distinct scores."""
    taken, right, wrong = set(), [], []
    for box in sorted(boxes, key=lambda box: -box["score"]):
        best, nearest = -1.0, None
        for one in objects:
            if one["image_id"] == box["image_id"] and (overlap := iou(one["bbox"], box["bbox"])) > best:
                best, nearest = overlap, one
        hit = best >= threshold
        right.append(hit and not nearest["iscrowd"] and nearest["id"] not in taken)
        wrong.append(not hit or (not nearest["iscrowd"] and nearest["id"] in taken))
        if right[-1]:
            taken.add(nearest["id"])
    count = sum(not one["iscrowd"] for one in objects)
    found_so_far, wrong_so_far = np.cumsum(right), np.cumsum(wrong)
    recall = [0, *(found_so_far / count), 1]
    precision = [0, *(found_so_far / np.maximum(found_so_far + wrong_so_far, 1)), 0]
    for row in range(len(precision) - 2, -1, -1):
        precision[row] = max(precision[row], precision[row + 1])
    return sum((recall[row] - recall[row - 1]) * precision[row] for row in range(1, len(recall)))


def iou(a, b):
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    inside = max(width, 0) * max(height, 0)
    return inside / (a[2] * a[3] + b[2] * b[3] - inside)


@pytest.mark.parametrize("seed", range(3))
def test_the_loop_of_the_development_kit_says_the_same(seed):
    rng = np.random.default_rng(seed)
    rows, boxes = [], []
    for _ in range(30):
        image_id, box = (
            int(rng.integers(1, 3)),
            np.concatenate([rng.uniform(0, 60, 2), rng.uniform(20, 60, 2)]),
        )
        rows.append((image_id, CAT, box.tolist(), int(rng.random() < 0.3)))
        for _ in range(rng.integers(0, 4)):
            jittered = (box + rng.normal(0, 5, 4)).tolist()
            boxes.append(found(image_id, CAT, jittered, float(rng.random())))
    truth = toy(*rows)
    scores = score_detections(truth, boxes, [100])[100]
    expected = [by_the_development_kit(truth["annotations"], boxes, threshold) for threshold in IOUS]
    assert scores.ap50[0] == pytest.approx(expected[0])
    assert scores.ap75[0] == pytest.approx(expected[5])
    assert scores.ap[0] == pytest.approx(np.mean(expected))
    assert 0.1 < expected[0] < 0.9
