"""How ground truth and detections are written."""

import json

import torch

from ezsd.evaluation.coco_form import as_results, ids_with_boxes, restrict_to_photos

ANNOTATIONS = {
    "images": [
        {"id": 10, "file_name": "a.jpg"},
        {"id": 20, "file_name": "b.jpg"},
        {"id": 30, "file_name": "c"},
    ],
    "categories": [{"id": 90, "name": "cat"}, {"id": 17, "name": "yak"}],
    "annotations": [
        {"id": 0, "image_id": 20, "category_id": 17, "bbox": [0, 0, 4, 2], "area": 8, "iscrowd": 0},
        {"id": 7, "image_id": 10, "category_id": 90, "bbox": [1, 1, 2, 3.5], "area": 5.5, "iscrowd": 1},
    ],
}


def test_only_the_given_photos_count():
    kept = restrict_to_photos(ANNOTATIONS, [10, 30])
    assert [photo["id"] for photo in kept["images"]] == [10, 30]
    assert [box["image_id"] for box in kept["annotations"]] == [10]
    assert kept["categories"] == ANNOTATIONS["categories"]


def test_no_annotation_has_the_id_0():
    kept = restrict_to_photos(ANNOTATIONS, [10, 20, 30])
    assert [box["id"] for box in kept["annotations"]] == [1, 2]
    assert ANNOTATIONS["annotations"][0]["id"] == 0


def test_photos_with_boxes_crowds_included():
    assert ids_with_boxes(ANNOTATIONS) == {10, 20}
    assert ids_with_boxes(restrict_to_photos(ANNOTATIONS, [30])) == set()


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
