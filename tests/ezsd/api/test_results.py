"""COCO results and `supervision` from hand-made boxes."""

import sys

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask

from ezsd import Detections, InputError, Proposals

NAMES = ("fish", "cup", "moon")


def detections(masks: torch.Tensor | None = None) -> Detections:
    return Detections(
        boxes_xyxy=torch.tensor([[2.0, 1.0, 6.0, 9.0], [0.0, 0.0, 2.5, 3.0]]),
        scores=torch.tensor([0.9, 0.25]),
        labels=torch.tensor([2, 0]),
        mask_probabilities=masks,
        names=NAMES,
        original_size=(10, 12),
    )


def proposals() -> Proposals:
    return Proposals(
        boxes_xyxy=torch.tensor([[2.0, 1.0, 6.0, 9.0]]),
        scores=torch.tensor([1.5]),
        labels=torch.tensor([1]),
        confidence=torch.tensor([0.75]),
        anchors=40,
        forwards=41,
        names=NAMES,
    )


def nothing() -> Detections:
    return Detections(torch.empty(0, 4), torch.empty(0), torch.empty(0, dtype=torch.int64), names=NAMES)


def test_coco_results_have_x_y_width_height_and_ids_from_one() -> None:
    assert detections().to_coco(image_id=7) == [
        {"image_id": 7, "category_id": 3, "bbox": [2.0, 1.0, 4.0, 8.0], "score": 0.9},
        {"image_id": 7, "category_id": 1, "bbox": [0.0, 0.0, 2.5, 3.0], "score": 0.25},
    ]
    assert nothing().to_coco() == []


def test_category_ids_are_those_of_the_data_set() -> None:
    assert [one["category_id"] for one in detections().to_coco(category_ids=[17, 44, 90])] == [90, 17]
    with pytest.raises(InputError, match="3 names, got 2"):
        detections().to_coco(category_ids=[17, 44])


def test_those_above_the_thresholds_of_their_names_are_kept() -> None:
    found = detections(torch.ones(2, 28, 28))
    kept = found.above(torch.tensor([0.3, 0.0, 0.9]))  # of fish, cup, moon: 0.9 is not above 0.9
    assert len(kept) == 0 and kept.boxes_xyxy.shape == (0, 4)
    kept = found.above(torch.tensor([0.2, 1.0, 0.95]))
    assert kept.labels.tolist() == [0] and kept.mask_probabilities.shape == (1, 28, 28)
    assert found[:1].scores.tolist() == [pytest.approx(0.9)] and found[:1].names == NAMES


def test_proposals_are_ranked_by_their_score() -> None:
    assert proposals().to_coco(image_id=1) == [
        {"image_id": 1, "category_id": 2, "bbox": [2.0, 1.0, 4.0, 8.0], "score": 1.5}
    ]


def test_masks_lie_in_the_photo() -> None:
    found = detections(torch.ones(2, 28, 28))
    masks = found.masks()
    assert masks is not None and masks.shape == (2, 10, 12) and masks.dtype == torch.bool
    assert masks[0, 1:9, 2:6].all() and not masks[0, :, 7:].any()
    rle = found.to_coco()[0]["segmentation"]
    assert rle["size"] == [10, 12]
    assert coco_mask.area({**rle, "counts": rle["counts"].encode()}) == masks[0].sum()


def test_supervision_gets_boxes_names_and_masks() -> None:
    supervision = pytest.importorskip("supervision", reason="the extra `supervision` is not installed")
    found = detections(torch.ones(2, 28, 28)).to_supervision()
    assert isinstance(found, supervision.Detections)
    assert found.xyxy.tolist() == [[2, 1, 6, 9], [0, 0, 2.5, 3]]
    assert found.class_id.tolist() == [2, 0] and found.data["class_name"].tolist() == ["moon", "fish"]
    assert found.confidence.tolist() == [np.float32(0.9), 0.25]
    assert found.mask.shape == (2, 10, 12)
    assert len(nothing().to_supervision()) == 0
    mined = proposals().to_supervision()
    assert mined.confidence.tolist() == [0.75] and mined.data["score"].tolist() == [1.5]
    assert mined.mask is None


def test_a_missing_supervision_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(InputError, match=r"pip install 'ezsd\[supervision\]'"):
        detections().to_supervision()
