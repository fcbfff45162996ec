"""A balanced choice that belongs to its image."""

import pytest
import torch
from torch import tensor

from ezsd.detector.sampling import SeededSampler

MATCHED = tensor([1, 2, 0, 0, 0, -1, 3, 0, 0, 4])


def choose(seeds: list[int], matched: list[torch.Tensor], per_image: int = 4) -> list[list[int]]:
    sampler = SeededSampler(per_image, object_fraction=0.5)
    sampler.seeds = seeds
    objects, background = sampler(matched)
    return [torch.where(o | b)[0].tolist() for o, b in zip(objects, background, strict=True)]


def test_half_are_objects_and_what_is_ignored_never_comes() -> None:
    sampler = SeededSampler(4, object_fraction=0.5)
    for seed in range(20):
        sampler.seeds = [seed]
        (objects,), (background,) = sampler([MATCHED])
        assert int(objects.sum()) == 2 and int(background.sum()) == 2
        assert (MATCHED[objects] > 0).all() and (MATCHED[background] == 0).all()


def test_background_fills_up_where_objects_are_few() -> None:
    (chosen,) = choose([0], [tensor([1, 0, 0, 0, 0])])
    assert len(chosen) == 4 and 0 in chosen


def test_fewer_candidates_than_places() -> None:
    assert choose([0, 1], [tensor([1, 0]), torch.zeros(0, dtype=torch.int64)]) == [[0, 1], []]


def test_neighbours_in_the_batch_change_nothing() -> None:
    alone = choose([7], [MATCHED])
    together = choose([3, 7], [torch.zeros(50, dtype=torch.int64), MATCHED])
    assert alone[0] == together[1]


def test_another_seed_chooses_otherwise() -> None:
    many = torch.zeros(100, dtype=torch.int64)
    assert choose([1], [many]) != choose([2], [many])


def test_a_seed_for_each_image_is_needed() -> None:
    with pytest.raises(ValueError):
        choose([1], [MATCHED, MATCHED])
