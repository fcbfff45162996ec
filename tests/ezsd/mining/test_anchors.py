import pytest
import torch

from ezsd.mining.anchors import anchor_boxes_xyxy, anchor_shapes, fit_scale


def test_the_papers_photo_has_850_cells_of_15_anchors():
    scale = fit_scale((480, 640), long_side=1333, short_side=800)
    assert scale == pytest.approx(800 / 480)
    boxes = anchor_boxes_xyxy((480, 640), scale)
    assert boxes.shape == (12_750, 4)
    assert boxes.dtype == torch.float32


def test_anchors_lie_inside_the_photo_and_have_area():
    boxes = anchor_boxes_xyxy((480, 640), fit_scale((480, 640), 1333, 800))
    assert boxes.min() >= 0 and boxes[:, 2].max() <= 640 and boxes[:, 3].max() <= 480
    assert ((boxes[:, 2:] - boxes[:, :2]) > 0).all()


def test_shapes_have_the_area_of_their_scale_and_their_ratio():
    widths, heights = anchor_shapes(32, (1, 2), (0.5, 2.0)).unbind(1)
    assert (widths * heights).tolist() == pytest.approx([1024, 1024, 4096, 4096])
    assert (heights / widths).tolist() == pytest.approx([0.5, 2.0, 0.5, 2.0])


def test_first_cell_of_an_unscaled_photo_by_hand():
    boxes = anchor_boxes_xyxy((64, 64), 1.0, stride=32, scales=(1,), ratios=(1.0,))
    assert boxes.tolist() == [[0, 0, 32, 32], [32, 0, 64, 32], [0, 32, 32, 64], [32, 32, 64, 64]]


def test_a_doubled_photo_gives_anchors_of_half_the_size():
    boxes = anchor_boxes_xyxy((64, 64), 2.0, stride=32, scales=(1,), ratios=(1.0,))
    assert len(boxes) == 16
    assert boxes[0].tolist() == [0, 0, 16, 16]


def test_a_photo_smaller_than_a_cell_still_has_anchors():
    boxes = anchor_boxes_xyxy((5, 7), 1.0, scales=(1,), ratios=(1.0,))
    assert boxes.tolist() == [[0, 0, 7, 5]]
