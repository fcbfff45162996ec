import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ezsd.boxes import (
    box_area,
    check_boxes_xyxy,
    clip_xyxy,
    iou_xyxy,
    max_iou_xyxy,
    nms_xyxy,
    scale_xyxy,
    xywh_to_xyxy,
    xyxy_to_xywh,
)
from ezsd.errors import InputError

NONE = torch.empty((0, 4))


def test_every_helper_accepts_zero_boxes():
    assert box_area(NONE).shape == (0,)
    assert scale_xyxy(NONE, 1.2).shape == (0, 4)
    assert clip_xyxy(NONE, (5, 5)).shape == (0, 4)
    assert iou_xyxy(NONE, torch.ones((3, 4))).shape == (0, 3)
    assert max_iou_xyxy(torch.tensor([[0.0, 0, 1, 1]]), NONE).tolist() == [0.0]
    assert nms_xyxy(NONE, torch.empty(0), 0.5).shape == (0,)
    assert xywh_to_xyxy(NONE).shape == (0, 4)


@pytest.mark.parametrize("pairs", [1, 7, 1000])
def test_the_largest_iou_is_found_in_parts(monkeypatch, pairs):
    monkeypatch.setattr("ezsd.boxes.PAIRS_AT_ONCE", pairs)
    corners = torch.rand((9, 2, 2), generator=torch.Generator().manual_seed(0)) * 10
    boxes = torch.cat([corners.amin(dim=1), corners.amax(dim=1)], dim=1)
    assert torch.equal(max_iou_xyxy(boxes, boxes[:3]), iou_xyxy(boxes, boxes[:3]).amax(dim=1))
    assert max_iou_xyxy(NONE, boxes).shape == (0,)


def test_enlarging_keeps_the_centre_and_scales_the_sides():
    assert scale_xyxy(torch.tensor([[10.0, 20, 20, 40]]), 1.2).tolist() == [[9.0, 18.0, 21.0, 42.0]]


def test_short_sides_are_widened_to_the_minimum():
    assert scale_xyxy(torch.tensor([[10.0, 20, 12, 40]]), 1.0, min_side=10).tolist() == [
        [6.0, 20.0, 16.0, 40.0]
    ]


def test_clipping_uses_height_and_width_in_that_order():
    assert clip_xyxy(torch.tensor([[-3.0, -4, 90, 90]]), (30, 50)).tolist() == [[0.0, 0.0, 50.0, 30.0]]


def test_iou_of_half_overlap_is_a_third():
    assert iou_xyxy(torch.tensor([[0.0, 0, 2, 1]]), torch.tensor([[1.0, 0, 3, 1]])).item() == pytest.approx(
        1 / 3
    )


def test_nms_keeps_the_best_of_a_pile_and_orders_by_score():
    boxes = torch.tensor([[0.0, 0, 10, 10], [50, 50, 60, 60], [0, 0, 10, 9]])
    assert nms_xyxy(boxes, torch.tensor([0.2, 0.5, 0.9]), 0.7).tolist() == [2, 1]


def test_nms_of_equal_scores_keeps_the_first():
    boxes = torch.tensor([[0.0, 0, 10, 10]] * 5)
    assert nms_xyxy(boxes, torch.ones(5), 0.7).tolist() == [0]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 60), st.integers(0, 20), st.floats(0.05, 0.9), st.integers(0, 1000))
def test_asking_for_the_best_gives_the_head_of_the_whole_list(count, best, iou_threshold, seed):
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand((count, 2), generator=generator) * 10
    boxes = torch.cat([corners, corners + 5], dim=1)
    scores = (torch.rand(count, generator=generator) * 5).round()
    everything = nms_xyxy(boxes, scores, iou_threshold)
    assert torch.equal(nms_xyxy(boxes, scores, iou_threshold, best), everything[:best])


def test_a_wrong_shape_is_refused_with_what_came():
    with pytest.raises(InputError, match=r"\(N, 4\), got \(3,\)"):
        check_boxes_xyxy(torch.zeros(3))


@given(st.lists(st.tuples(*[st.integers(0, 100)] * 4), max_size=8))
def test_box_formats_round_trip(rows):
    boxes = torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)
    assert torch.equal(xyxy_to_xywh(xywh_to_xyxy(boxes)), boxes)
