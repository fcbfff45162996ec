"""The numbers put together."""

import json
from dataclasses import replace

import numpy as np

from ezsd.evaluation.average_precision import ScoresBySize
from ezsd.evaluation.config import EnsembleConfig
from ezsd.evaluation.metrics import ClassRow, EvaluationSetup, build_metrics, class_rows, describe
from ezsd.split import Split

SPLIT = Split("toy", ("cat", "dog"), ("yak",))
TRUTH = {
    "images": [{"id": 1}, {"id": 2}],
    "categories": [{"id": 5, "name": "cat"}, {"id": 3, "name": "dog"}, {"id": 9, "name": "yak"}],
    "annotations": [
        {"category_id": 5, "iscrowd": 0},
        {"category_id": 5, "iscrowd": 1},
        {"category_id": 3, "iscrowd": 0},
    ],
}
SETUP = EvaluationSetup("coco", "names known", SPLIT, 100, TRUTH)


def scores(share):
    values = np.array([share, share / 2, np.nan])
    return ScoresBySize(values, values, values, values, values, values)


def test_crowds_are_no_objects():
    assert describe(SETUP) == {
        "format": "coco",
        "split": "toy",
        "photos": 2,
        "categories": {"base": 2, "novel": 1, "all": 3},
        "objects": {"base": 2, "novel": 0, "all": 2},
    }


def test_everything_stands_in_its_place():
    accuracy = {"raw": {"base": 10.0, "novel": None}, "renormalized": {"base": 30.0, "novel": None}}
    naming = {"base": 20.0, "novel": None}
    metrics = build_metrics(
        SETUP, {100: scores(0.4), 300: scores(0.8)}, {}, {}, accuracy, naming, {"base": 5.0, "novel": None}
    )
    assert metrics["protocol"] == "names known"
    assert metrics["AP50"] == metrics["AP"] == {"base": 30.0, "novel": None, "all": 30.0}
    assert metrics["AP_small"] == metrics["AP75"] == metrics["AP"]
    assert metrics["max_dets"] == 100
    assert metrics["other_max_dets"]["300"]["AP50"]["base"] == 60.0
    assert metrics["teacher_accuracy"] == accuracy
    assert metrics["student"] == {"naming": naming}
    assert metrics["proposal_recall"] == {"base": 5.0, "novel": None}
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics


def test_masks_stand_beside_boxes_when_there_are_any():
    both = {100: scores(0.4)}, {100: scores(0.8)}
    metrics = build_metrics(SETUP, *both, {}, {}, {}, {})
    assert metrics["AP50"]["base"] == 30.0
    assert metrics["masks"]["AP50"]["base"] == 60.0
    assert "masks" not in build_metrics(SETUP, both[0], {}, {}, {}, {}, {})


def test_an_ensemble_stands_beside_with_its_exponents():
    asked = replace(SETUP, ensemble=EnsembleConfig(base=0.25, novel=0.75))
    metrics = build_metrics(asked, {100: scores(0.4)}, {}, {100: scores(0.8)}, {}, {}, {})
    assert metrics["AP50"]["base"] == 30.0
    assert metrics["ensemble"]["AP50"] == {"base": 60.0, "novel": None, "all": 60.0}
    assert metrics["ensemble"]["teacher_weights"] == {"base": 0.25, "novel": 0.75}
    assert "ensemble" not in build_metrics(SETUP, {100: scores(0.4)}, {}, {}, {}, {}, {})


def test_frequencies_are_scored_for_boxes_and_masks_where_categories_have_one():
    kinds = zip(TRUTH["categories"], "frf", strict=True)
    truth = {**TRUTH, "categories": [{**category, "frequency": kind} for category, kind in kinds]}
    both = {300: scores(0.4)}, {300: scores(0.8)}
    metrics = build_metrics(EvaluationSetup("lvis", "names known", SPLIT, 300, truth), *both, {}, {}, {}, {})
    assert [metrics[key] for key in ("APr", "APc", "APf")] == [20.0, None, 40.0]
    assert [metrics["masks"][key] for key in ("APr", "APc", "APf")] == [40.0, None, 80.0]
    assert "APr" not in build_metrics(SETUP, {100: scores(0.4)}, {}, {}, {}, {}, {})


def test_a_row_for_each_class():
    assert class_rows(SETUP, scores(0.5)) == [
        ClassRow("cat", "base", 1, *[50.0] * 6),
        ClassRow("dog", "base", 1, *[25.0] * 6),
        ClassRow("yak", "novel", 0, *[None] * 6),
    ]
