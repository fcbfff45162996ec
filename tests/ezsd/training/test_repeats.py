"""Rare names are shown more often."""

import math

import pytest
import torch

from ezsd.training.repeats import draw_repeats, epoch_order, repeat_factors


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


def test_the_order_shows_each_photo_as_often_as_was_drawn():
    factors = [1.0, 2.5, 1.2, 3.7]
    drawn = draw_repeats(factors, seed=3, epoch=1).tolist()
    order = epoch_order(factors, seed=3, epoch=1)
    assert [order.count(photo) for photo in range(4)] == drawn
