"""A balanced choice that belongs to its image."""

import pytest
import torch
from torch import tensor
from torchvision.ops import box_iou

from ezsd.detector.sampling import SeededSampler, jitter_boxes

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


def test_jittered_copies_overlap_their_boxes_well_and_differ() -> None:
    boxes = torch.tensor([[10.0, 20.0, 50.0, 40.0], [0.0, 0.0, 8.0, 64.0]])
    copies = jitter_boxes(boxes, 50, seed=3)
    assert copies.shape == (100, 4)
    assert (copies[:, 2:] > copies[:, :2]).all()
    overlaps = box_iou(copies, boxes)[torch.arange(100), torch.arange(2).repeat(50)]
    assert overlaps.min() > 0.4 and (overlaps > 0.5).float().mean() > 0.9
    assert overlaps.max() < 1 and len(copies.unique(dim=0)) == 100


def test_jitter_is_the_seeds_own() -> None:
    boxes = torch.tensor([[10.0, 20.0, 50.0, 40.0]])
    assert torch.equal(jitter_boxes(boxes, 3, 1), jitter_boxes(boxes, 3, 1))
    assert not torch.equal(jitter_boxes(boxes, 3, 1), jitter_boxes(boxes, 3, 2))
    assert jitter_boxes(boxes, 0, 1).shape == jitter_boxes(boxes[:0], 3, 1).shape == (0, 4)
