"""AP by hand on toy sets, and the same numbers from pycocotools fed with the written files."""

import contextlib
import io
import json

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ezsd.evaluation.average_precision import score_detections
from ezsd.evaluation.coco_form import as_results
from ezsd.split import Split

SPLIT = Split("toy", ("cat", "dog"), ("yak",))
CATEGORIES = [{"id": 3, "name": "cat"}, {"id": 5, "name": "dog"}, {"id": 2, "name": "yak"}]  # ids unsorted


def toy(*boxes, photos=(1, 2)):
    """Ground truth of `(image_id, category_id, bbox, iscrowd)` rows."""
    return {
        "images": [{"id": i, "file_name": f"{i}.png", "width": 200, "height": 200} for i in photos],
        "categories": CATEGORIES,
        "annotations": [
            {"id": n, "image_id": i, "category_id": c, "bbox": b, "area": b[2] * b[3], "iscrowd": crowd}
            for n, (i, c, b, crowd) in enumerate(boxes, start=1)
        ],
    }


def found(image_id, category_id, bbox, score):
    return {"image_id": image_id, "category_id": category_id, "bbox": bbox, "score": score}


BOX, FAR = [10, 10, 50, 50], [120, 120, 40, 40]


def test_perfect_half_and_nothing():
    truth = toy((1, 3, BOX, 0), (1, 5, BOX, 0), (2, 5, FAR, 0), (2, 2, BOX, 0))
    detections = [found(1, 3, BOX, 0.9), found(1, 5, BOX, 0.8)]
    scores = score_detections(truth, detections, [100])[100]
    # one of two dogs at precision 1: recall points 0, 0.01 .. 0.5 of the 101 are reached
    assert scores.ap50 == pytest.approx([1, 51 / 101, 0])
    assert scores.by_group(SPLIT)["AP50"] == {"base": 75.2475, "novel": 0.0, "all": 50.165}


def test_a_false_box_of_higher_score_halves_precision():
    truth = toy((1, 3, BOX, 0))
    scores = score_detections(truth, [found(2, 3, BOX, 0.9), found(1, 3, BOX, 0.5)], [100])[100]
    assert scores.ap[0] == pytest.approx(0.5)


def test_iou_between_the_thresholds():
    truth = toy((1, 3, [0, 0, 100, 100], 0))
    scores = score_detections(truth, [found(1, 3, [0, 0, 100, 72], 0.9)], [100])[100]  # IoU 0.72
    assert (scores.ap50[0], scores.ap75[0]) == pytest.approx((1, 0))
    assert scores.ap[0] == pytest.approx(0.5)  # IoU 0.50, 0.55 .. 0.70 are 5 of 10
    assert scores.ap_large[0] == pytest.approx(0.5)
    assert np.isnan(scores.ap_small[0])


def test_boxes_in_a_crowd_region_cost_nothing():
    truth = toy((1, 3, BOX, 0), (1, 3, [100, 100, 100, 100], 1))
    inside = [found(1, 3, FAR, 0.9), found(1, 3, [130, 130, 20, 20], 0.8)]
    assert score_detections(truth, [*inside, found(1, 3, BOX, 0.1)], [100])[100].ap50[0] == pytest.approx(1)


def test_a_class_with_crowds_alone_has_no_score():
    truth = toy((1, 3, BOX, 1))
    assert np.isnan(score_detections(truth, [found(1, 3, BOX, 0.9)], [100])[100].ap50[0])


def test_no_detections_at_all():
    truth = toy((1, 3, BOX, 0), (1, 2, BOX, 0))
    groups = score_detections(truth, [], [100])[100].by_group(SPLIT)
    assert groups["AP50"] == {"base": 0.0, "novel": 0.0, "all": 0.0}


def test_no_ground_truth_of_a_group_or_at_all():
    truth = toy((1, 3, BOX, 0))
    groups = score_detections(truth, [found(1, 2, BOX, 0.9)], [100])[100].by_group(SPLIT)
    assert groups["AP50"] == {"base": 0.0, "novel": None, "all": 0.0}
    empty = score_detections(toy(), [found(1, 2, BOX, 0.9)], [100])[100]
    assert empty.by_group(SPLIT)["AP"] == {"base": None, "novel": None, "all": None}


def test_limits_stand_beside_each_other():
    truth = toy((1, 3, BOX, 0), (1, 3, FAR, 0))
    detections = [found(1, 3, BOX, 0.9), found(1, 3, FAR, 0.8)]
    scores = score_detections(truth, detections, [100, 1])
    assert list(scores) == [1, 100]
    assert scores[1].ap50[0] == pytest.approx(51 / 101)
    assert scores[100].ap50[0] == pytest.approx(1)


def random_set(seed, photos=12):
    """A world of jittered true boxes, wrong names and clutter."""
    rng = np.random.default_rng(seed)
    truth_rows, detections = [], []
    for image_id in range(1, photos + 1):
        for _ in range(rng.integers(0, 6)):
            box = np.concatenate([rng.uniform(0, 120, 2), rng.uniform(5, 80, 2)]).round(2)
            category = int(rng.choice([3, 5, 2]))
            truth_rows.append((image_id, category, box.tolist(), int(rng.random() < 0.1)))
            for _ in range(rng.integers(0, 4)):
                xywh = box + rng.normal(0, 4, 4)
                xyxy = torch.tensor(np.concatenate([xywh[:2], xywh[:2] + np.abs(xywh[2:]) + 1]))[None]
                label = torch.tensor([int(rng.integers(0, 3))])
                detections += as_results(image_id, xyxy, torch.tensor(rng.random(1)), label, [3, 5, 2])
    return toy(*truth_rows, photos=range(1, photos + 1)), detections


@pytest.mark.parametrize("seed", range(3))
def test_pycocotools_by_itself_says_the_same(seed, tmp_path):
    truth, detections = random_set(seed)
    mine = score_detections(truth, detections, [100])[100].by_group(SPLIT)
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "detections.json").write_text(json.dumps(detections))
    for group, ids in {"base": [3, 5], "novel": [2], "all": [3, 5, 2]}.items():
        with contextlib.redirect_stdout(io.StringIO()):
            coco = COCO(str(tmp_path / "truth.json"))
            run = COCOeval(coco, coco.loadRes(str(tmp_path / "detections.json")), "bbox")
            run.params.catIds = ids
            run.evaluate()
            run.accumulate()
            run.summarize()
        for key, theirs in zip(
            ["AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large"], run.stats, strict=False
        ):
            if theirs < 0:
                assert mine[key][group] is None
            else:
                assert mine[key][group] / 100 == pytest.approx(theirs, abs=1e-6)


def test_prints_nothing_and_leaves_its_inputs_alone(capsys):
    truth, detections = random_set(0)
    before = json.dumps([truth, detections])
    score_detections(truth, detections, [100])
    assert json.dumps([truth, detections]) == before
    assert capsys.readouterr().out == ""
