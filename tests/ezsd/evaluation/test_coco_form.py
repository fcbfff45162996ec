"""What is kept of annotations, and how detections are written."""

import json

import pytest
import torch

from ezsd.errors import InputError
from ezsd.evaluation.coco_form import as_results, category_ids, ids_with_boxes, keep_photos, select_names
from ezsd.split import Split

SPLIT = Split("toy", ("cat",), ("yak",))
ANNOTATIONS = {
    "info": {"year": 2017},
    "images": [
        {"id": 30, "file_name": "c.jpg", "width": 9, "height": 8, "license": 1},
        {"id": 10, "file_name": "a.jpg", "width": 9, "height": 8},
        {"id": 20, "file_name": "b.jpg", "width": 9, "height": 8},
    ],
    "categories": [{"id": 18, "name": "axe"}, {"id": 17, "name": "yak"}, {"id": 90, "name": "cat"}],
    "annotations": [
        {"id": 5, "image_id": 10, "category_id": 90, "bbox": [1, 1, 2, 3], "iscrowd": 1, "area": 5.5},
        {
            "id": 0,
            "image_id": 20,
            "category_id": 17,
            "bbox": [0, 0, 4, 2],
            "segmentation": [[0, 0, 4, 0, 4, 2]],
        },
        {"id": 2, "image_id": 30, "category_id": 18, "bbox": [0, 0, 4, 2], "iscrowd": 0, "area": 8},
    ],
}


def test_other_names_go_and_the_rest_is_completed():
    truth = select_names(ANNOTATIONS, SPLIT)
    assert truth["categories"] == [{"id": 90, "name": "cat"}, {"id": 17, "name": "yak"}]
    assert [photo["id"] for photo in truth["images"]] == [10, 20, 30]
    assert truth["annotations"] == [
        {"id": 1, "image_id": 20, "category_id": 17, "bbox": [0, 0, 4, 2], "area": 8, "iscrowd": 0},
        {"id": 2, "image_id": 10, "category_id": 90, "bbox": [1, 1, 2, 3], "area": 5.5, "iscrowd": 1},
    ]


def test_photos_with_boxes_of_the_split():
    truth = select_names(ANNOTATIONS, SPLIT)
    assert ids_with_boxes(truth) == [10, 20]
    kept = keep_photos(truth, [20])
    assert [photo["id"] for photo in kept["images"]] == [20]
    assert [box["image_id"] for box in kept["annotations"]] == [20]


def test_unknown_name_is_refused_by_name():
    with pytest.raises(InputError, match="'emu', which is no category"):
        category_ids(ANNOTATIONS, Split("mine", ("cat",), ("emu",)))


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


def test_no_boxes_give_no_results():
    none = as_results(1, torch.empty(0, 4), torch.empty(0), torch.empty(0, dtype=torch.int64), [90, 17])
    assert none == []
