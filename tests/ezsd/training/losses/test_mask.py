"""Mask loss against values worked out by hand."""

import math

import pytest
import torch
from torch import tensor

from ezsd.training.losses.mask import mask_loss


def test_two_regions_by_hand() -> None:
    # sigmoid(0) = 1/2 costs ln 2 whatever the target; sigmoid(ln 3) = 3/4 costs ln 4/3 for 1 and ln 4 for 0
    logits = tensor([[[0.0, 0.0], [0.0, 0.0]], [[math.log(3)] * 2] * 2])
    targets = tensor([[[0.0, 1.0], [0.0, 1.0]], [[1.0, 1.0], [1.0, 0.0]]])
    expected = (4 * math.log(2) + 3 * math.log(4 / 3) + math.log(4)) / 8
    assert float(mask_loss(logits, targets)) == pytest.approx(expected, rel=1e-6)


def test_a_cell_that_is_half_covered_is_best_called_half() -> None:
    half = tensor([[[0.5]]])
    losses = [float(mask_loss(tensor([[[logit]]]), half)) for logit in (-1.0, 0.0, 1.0)]
    assert losses[1] == min(losses)


def test_no_region_costs_nothing_and_keeps_a_gradient_path() -> None:
    logits = torch.zeros(0, 28, 28, requires_grad=True)
    loss = mask_loss(logits, torch.zeros(0, 28, 28))
    loss.backward()
    assert float(loss.detach()) == 0
    assert logits.grad is not None
