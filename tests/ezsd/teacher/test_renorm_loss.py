import math

import pytest
import torch

from ezsd.teacher.epoch_order import epoch_order, repeat_factors
from ezsd.teacher.renorm_loss import area_weights, bce_per_box, softmax_per_box


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


def labels(*photos):
    return [torch.tensor(photo, dtype=torch.int64) for photo in photos]


def test_a_photo_follows_its_rarest_name():
    # name 1 is in 1 of 4 photos: sqrt(0.5 / 0.25); name 0 is in all of them
    factors = repeat_factors(labels([0], [0], [0, 1], [0, 0]), threshold=0.5)
    assert factors == pytest.approx([1, 1, math.sqrt(2), 1])


def test_no_threshold_repeats_nothing_and_empty_photos_count_once():
    assert repeat_factors(labels([0], [1], []), threshold=0.0) == [1, 1, 1]
    assert sorted(epoch_order([1.0, 1.0, 1.0], seed=0, epoch=0)) == [0, 1, 2]
    assert epoch_order([], seed=0, epoch=0) == []


def test_fractions_are_shown_as_often_on_average():
    shown = [epoch_order([1.0, 2.5], seed=0, epoch=epoch).count(1) for epoch in range(200)]
    assert set(shown) == {2, 3}
    assert sum(shown) / len(shown) == pytest.approx(2.5, abs=0.15)


def test_the_order_depends_on_seed_and_epoch_alone():
    factors = [1.0] * 20
    assert epoch_order(factors, 3, 1) == epoch_order(factors, 3, 1)
    assert epoch_order(factors, 3, 1) != epoch_order(factors, 3, 2)
    assert epoch_order(factors, 3, 1) != epoch_order(factors, 4, 1)
