"""How ground truth and detections are written."""

import json

import numpy as np
import torch

from ezsd.evaluation.coco_form import BoxRows, PhotoRows, as_ground_truth, as_results, keep_photos_with_boxes

PHOTOS = PhotoRows(np.array([10, 20, 30]), ["a.jpg", "b.jpg", "c.jpg"], np.array([[9, 8], [7, 6], [5, 4]]))
BOXES = BoxRows(
    image_ids=np.array([20, 99, 10]),
    labels=np.array([1, 0, 0]),
    boxes_xyxy=np.array([[0.0, 0, 4, 2], [0, 0, 1, 1], [1, 1, 3, 4.5]]),
    areas=np.array([8.0, 1, 5.5]),
    crowd=np.array([False, False, True]),
)
TRUTH = as_ground_truth(PHOTOS, BOXES, ["cat", "yak"], [90, 17])


def test_ground_truth_is_coco():
    assert TRUTH["categories"] == [{"id": 90, "name": "cat"}, {"id": 17, "name": "yak"}]
    assert TRUTH["images"][1] == {"id": 20, "file_name": "b.jpg", "width": 7, "height": 6}
    assert TRUTH["annotations"] == [
        {"id": 1, "image_id": 20, "category_id": 17, "bbox": [0, 0, 4, 2], "area": 8, "iscrowd": 0},
        {"id": 2, "image_id": 10, "category_id": 90, "bbox": [1, 1, 2, 3.5], "area": 5.5, "iscrowd": 1},
    ]
    assert json.loads(json.dumps(TRUTH)) == TRUTH


def test_photos_with_boxes():
    kept = keep_photos_with_boxes(TRUTH)
    assert [photo["id"] for photo in kept["images"]] == [10, 20]
    assert kept["annotations"] == TRUTH["annotations"]


def test_no_boxes():
    none = BoxRows(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 4)), np.zeros(0), np.zeros(0, bool))
    truth = as_ground_truth(PHOTOS, none, ["cat", "yak"], [90, 17])
    assert truth["annotations"] == []
    assert len(truth["images"]) == 3
    assert keep_photos_with_boxes(truth)["images"] == []


def test_results_carry_the_original_ids_and_survive_json():
    boxes = torch.tensor([[1.0, 2.0, 11.0, 22.006], [0, 0, 5, 5]])
    scores = torch.tensor([0.1, 1e-9])
    results = as_results(139870, boxes, scores, torch.tensor([1, 0]), [90, 17])
    assert results[0] == {
        "image_id": 139870,
        "category_id": 17,
        "bbox": [1.0, 2.0, 10.0, 20.01],
        "score": 0.1,
    }
    read = torch.tensor([row["score"] for row in json.loads(json.dumps(results))])
    assert torch.equal(read, scores)


def test_no_detections_give_no_results():
    assert as_results(1, torch.empty(0, 4), torch.empty(0), torch.empty(0, dtype=torch.int64), [90, 17]) == []
