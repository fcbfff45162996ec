import math

import pytest
import torch

from ezsd.renorm.loss import area_weights, bce_per_box, softmax_per_box


def test_bce_of_zero_logits_is_ln_2():
    assert bce_per_box(torch.zeros((2, 5)), torch.tensor([0, 4])).tolist() == pytest.approx([math.log(2)] * 2)


def test_bce_by_hand():
    # right name at +1: ln(1 + e^-1); wrong name at -2: ln(1 + e^-2); their mean
    expected = (math.log1p(math.exp(-1)) + math.log1p(math.exp(-2))) / 2
    assert bce_per_box(torch.tensor([[1.0, -2.0]]), torch.tensor([0])).item() == pytest.approx(expected)


def test_softmax_of_equal_logits_is_ln_of_the_names():
    assert softmax_per_box(torch.zeros((1, 7)), torch.tensor([3])).item() == pytest.approx(math.log(7))


def test_losses_of_no_boxes_are_empty():
    none = torch.empty(0, dtype=torch.int64)
    assert bce_per_box(torch.empty((0, 4)), none).shape == (0,)
    assert softmax_per_box(torch.empty((0, 4)), none).shape == (0,)


def test_area_weights_by_hand():
    weights = area_weights(torch.tensor([0.0, 1.0]))
    mean = (1 + math.exp(-1)) / 2
    assert weights.tolist() == pytest.approx([1 / mean, math.exp(-1) / mean])
    assert weights.mean().item() == pytest.approx(1)
