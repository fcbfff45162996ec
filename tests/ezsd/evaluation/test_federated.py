"""LVIS's federated AP by hand, and the numbers of lvis-api for the same detections."""

import copy
import json

import numpy as np
import pytest
import torch
from support.lvis_api import by_lvis_api, masks_alone

from ezsd.evaluation.coco_form import as_results
from ezsd.evaluation.federated import score_detections
from ezsd.evaluation.groups import percent_by_frequency
from ezsd.masks import as_rle, run_lengths

CUP, HARP, YAK = 3, 5, 2
CATEGORIES = [
    {"id": CUP, "name": "cup", "frequency": "f"},
    {"id": HARP, "name": "harp", "frequency": "c"},
    {"id": YAK, "name": "yak", "frequency": "r"},
]
BOX, FAR = [10, 10, 50, 50], [120, 120, 40, 40]
SIDE = 300


def photo(image_id, absent=(), open_ended=()):
    return {
        "id": image_id,
        "file_name": f"{image_id}.png",
        "width": SIDE,
        "height": SIDE,
        "neg_category_ids": list(absent),
        "not_exhaustive_category_ids": list(open_ended),
    }


def truth_of(photos, *boxes, categories=CATEGORIES):
    """Ground truth of `(image_id, category_id, bbox)` rows."""
    return {
        "images": list(photos),
        "categories": list(categories),
        "annotations": [
            {"id": n, "image_id": i, "category_id": c, "bbox": b, "area": b[2] * b[3], "iscrowd": 0}
            for n, (i, c, b) in enumerate(boxes, start=1)
        ],
    }


def found(image_id, category_id, bbox, score):
    return {"image_id": image_id, "category_id": category_id, "bbox": bbox, "score": score}


def ap(truth, detections, limit=300):
    return score_detections(truth, detections, [limit])[limit].ap


RIGHT = found(1, CUP, BOX, 0.5)


@pytest.mark.parametrize(
    ("second_photo", "expected"),
    [(photo(2), 1.0), (photo(2, absent=[CUP]), 0.5), (photo(2, absent=[HARP]), 1.0)],
)
def test_a_wrong_box_costs_only_where_its_name_is_known_to_be_absent(second_photo, expected):
    truth = truth_of([photo(1), second_photo], (1, CUP, BOX))
    assert ap(truth, [found(2, CUP, BOX, 0.9), RIGHT])[0] == pytest.approx(expected)


@pytest.mark.parametrize(("open_ended", "expected"), [([], 0.5), ([CUP], 1.0), ([HARP], 0.5)])
def test_a_second_box_costs_nothing_where_objects_may_have_no_box(open_ended, expected):
    truth = truth_of([photo(1, open_ended=open_ended)], (1, CUP, BOX))
    assert ap(truth, [found(1, CUP, FAR, 0.9), RIGHT])[0] == pytest.approx(expected)


def test_a_right_box_counts_where_objects_may_have_no_box():
    truth = truth_of([photo(1, open_ended=[CUP])], (1, CUP, BOX))
    assert ap(truth, [RIGHT])[0] == pytest.approx(1)


def test_the_limit_is_of_a_photo_not_of_a_class():
    truth = truth_of([photo(1)], (1, CUP, BOX), (1, HARP, FAR))
    detections = [RIGHT, found(1, HARP, FAR, 0.4)]
    assert ap(truth, detections, limit=2)[:2] == pytest.approx([1, 1])
    assert ap(truth, detections, limit=1)[:2] == pytest.approx([1, 0])


def test_limits_stand_beside_each_other():
    truth = truth_of([photo(1)], (1, CUP, BOX))
    scores = score_detections(truth, [RIGHT, found(1, CUP, FAR, 0.9)], [300, 1])
    assert (scores[1].ap[0], scores[300].ap[0]) == pytest.approx((0, 0.5))


def test_a_class_without_objects_has_no_score_though_it_was_found():
    truth = truth_of([photo(1, absent=[YAK])], (1, CUP, BOX))
    assert np.isnan(ap(truth, [RIGHT, found(1, YAK, BOX, 0.9)])[1:]).all()


def test_nothing_found_and_nothing_there():
    assert ap(truth_of([photo(1)], (1, CUP, BOX)), [])[0] == 0
    assert np.isnan(ap(truth_of([photo(1)]), [])).all()


def test_means_by_frequency_leave_out_classes_without_objects():
    means = percent_by_frequency([0.5, np.nan, 0.25, 0.75], ["f", "c", "r", "r"])
    assert means == {"APr": 50.0, "APc": None, "APf": 50.0}
    assert percent_by_frequency([0.5], [""]) == {}


def random_set(seed, photos=40, classes=30):
    """Jittered true boxes, wrong names and clutter; each photo was searched for some names only."""
    rng = np.random.default_rng(seed)
    ids = rng.permutation(np.arange(1, classes + 1)).tolist()
    categories = [{"id": id_, "name": f"n{id_}", "frequency": str(rng.choice(list("rcf")))} for id_ in ids]
    rows, images, detections = [], [], []
    for image_id in range(1, photos + 1):
        here = rng.choice(ids, rng.integers(0, 4), replace=False).tolist()
        absent = [id_ for id_ in rng.choice(ids, 8, replace=False).tolist() if id_ not in here]
        images.append(photo(image_id, absent, [id_ for id_ in here if rng.random() < 0.3]))
        for category_id in here:
            for _ in range(rng.integers(1, 4)):
                box = np.concatenate([rng.uniform(0, 150, 2), rng.uniform(4, 150, 2)]).round(2)
                rows.append((image_id, category_id, box.tolist()))
                detections += [
                    result(rng, image_id, box + rng.normal(0, 4, 4), category_id, ids)
                    for _ in range(rng.integers(0, 4))
                ]
        detections += [
            result(rng, image_id, rng.uniform(5, 140, 4), int(rng.choice([*absent, *ids])), ids)
            for _ in range(rng.integers(0, 12))
        ]
    return truth_of(images, *rows, categories=categories), detections


def result(rng, image_id, box_xywh, category_id, ids):
    """One COCO result; scores have one digit, so that many are equal."""
    corner = np.clip(box_xywh[:2], 0, SIDE - 10)
    box_xyxy = torch.tensor(np.concatenate([corner, corner + np.abs(box_xywh[2:]) + 1]).clip(0, SIDE))[None]
    score = torch.tensor(rng.random(1)).round(decimals=1)
    return as_results(image_id, box_xyxy, score, torch.tensor([ids.index(category_id)]), ids)[0]


def with_masks(records):
    """An ellipse-like octagon in each box."""
    masked = []
    for one in records:
        x, y, w, h = one["bbox"]
        turns = np.linspace(0, 2 * np.pi, 9)[:-1]
        corners = np.stack([x + w / 2 + w / 2 * np.cos(turns), y + h / 2 + h / 2 * np.sin(turns)], axis=1)
        segmentation = as_rle(run_lengths([corners.ravel().tolist()], (SIDE, SIDE)), (SIDE, SIDE))
        masked.append({**one, "segmentation": segmentation})
    return masked


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("shape", "limit"), [("bbox", 300), ("bbox", 8), ("segm", 300)])
def test_lvis_api_says_the_same(seed, shape, limit, tmp_path, monkeypatch):
    truth, detections = random_set(seed)
    if shape == "segm":
        truth["annotations"] = with_masks(truth["annotations"])
        detections = masks_alone(with_masks(detections))
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(truth))
    theirs = by_lvis_api(path, detections, shape, limit, monkeypatch)
    before = copy.deepcopy([truth, detections])
    scores = score_detections(truth, detections, [limit], shape)[limit]
    assert [truth, detections] == before
    mine = {
        **percent_by_frequency(scores.ap, [category["frequency"] for category in truth["categories"]]),
        "AP": 100 * np.nanmean(scores.ap),
        "AP50": 100 * np.nanmean(scores.ap50),
        "AP75": 100 * np.nanmean(scores.ap75),
        "APs": 100 * np.nanmean(scores.ap_small),
        "APm": 100 * np.nanmean(scores.ap_medium),
        "APl": 100 * np.nanmean(scores.ap_large),
    }
    for key, value in mine.items():
        assert value / 100 == pytest.approx(theirs[key], abs=1e-6), key
    assert 0.05 < theirs["AP"] < 0.95
