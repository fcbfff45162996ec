"""The box loss against values derived by hand."""

import torch
from torch import tensor
from torch.testing import assert_close

from ezsd.training.losses.box import box_loss


def test_only_objects_count_but_all_regions_divide() -> None:
    """Far from 0 smooth L1 is |x| - beta / 2 with beta 1/9: (1 - 1/18) for each of 4, over 2 regions."""
    deltas, targets = torch.zeros(2, 4), torch.ones(2, 4)
    assert_close(box_loss(deltas, targets, tensor([True, False])), tensor(4 * (1 - 1 / 18) / 2))


def test_small_differences_are_squared() -> None:
    """0.1 < 1/9: 0.5 * 0.1 ** 2 * 9."""
    loss = box_loss(torch.zeros(1, 4), tensor([[0.1, 0.0, 0.0, 0.0]]), tensor([True]))
    assert_close(loss, tensor(0.045))


def test_without_objects_or_regions_it_is_zero_and_can_be_differentiated() -> None:
    for regions in (0, 3):
        deltas = torch.zeros(regions, 4, requires_grad=True)
        loss = box_loss(deltas, torch.ones(regions, 4), torch.zeros(regions, dtype=torch.bool))
        loss.backward()
        assert loss.item() == 0.0
