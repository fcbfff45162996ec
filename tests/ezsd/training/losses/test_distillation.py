"""The distillation loss against values derived by hand."""

import math

import torch
from torch import tensor
from torch.testing import assert_close

from ezsd.training.losses.distillation import distillation_loss, normalize_weights

X, Y = [1.0, 0.0], [0.0, 1.0]


def test_weights_are_scaled_to_mean_one() -> None:
    assert_close(normalize_weights(tensor([1.0, 0.5, 0.5, 0.0])), tensor([2.0, 1.0, 1.0, 0.0]))


def test_weights_that_are_all_zero_count_alike() -> None:
    assert_close(normalize_weights(torch.zeros(3)), torch.ones(3))


def test_equal_directions_cost_nothing_whatever_their_lengths() -> None:
    student, teacher = tensor([[3.0, 4.0]]), tensor([[0.6, 0.8]])
    assert_close(distillation_loss(student, teacher, tensor([1.0]), [1]), tensor(0.0))


def test_it_is_the_mean_over_dimensions_times_their_number() -> None:
    """|1 - 0| + |0 - 1| = 2: a mean of 1 over two dimensions, times 2."""
    assert_close(distillation_loss(tensor([X]), tensor([Y]), tensor([1.0]), [1]), tensor(2.0))


def test_a_distance_in_three_dimensions() -> None:
    """(1, 0, 0) against (1, 1, 1) / sqrt 3: 1 - 1/sqrt 3 + 2/sqrt 3 = 1 + 1/sqrt 3."""
    loss = distillation_loss(tensor([[5.0, 0.0, 0.0]]), torch.ones(1, 3), tensor([0.7]), [1])
    assert_close(loss, tensor(1 + 1 / math.sqrt(3)))


def test_weights_stay_with_their_rows() -> None:
    """Weights 1 and 1/3 become 3/2 and 1/2; only the second row is wrong, by 2: (0 + 2 * 1/2) / 2."""
    loss = distillation_loss(tensor([X, X]), tensor([X, Y]), tensor([1.0, 1 / 3]), [2])
    assert_close(loss, tensor(0.5))
    swapped = distillation_loss(tensor([X, X]), tensor([Y, X]), tensor([1.0, 1 / 3]), [2])
    assert_close(swapped, tensor(1.5))


def test_each_image_counts_alike() -> None:
    """One wrong row alone in its image: 2. Three right rows in the other: 0. The mean over two images: 1."""
    student, teacher = tensor([X, X, X, X]), tensor([Y, X, X, X])
    assert_close(distillation_loss(student, teacher, torch.ones(4), [1, 3]), tensor(1.0))


def test_an_image_without_boxes_adds_nothing() -> None:
    assert_close(distillation_loss(tensor([X]), tensor([Y]), tensor([1.0]), [0, 1]), tensor(1.0))


def test_no_box_at_all_is_zero_and_can_be_differentiated() -> None:
    student = torch.zeros(0, 8, requires_grad=True)
    loss = distillation_loss(student, torch.zeros(0, 8), torch.zeros(0), [0, 0])
    loss.backward()
    assert loss.item() == 0.0
    assert student.grad is not None
