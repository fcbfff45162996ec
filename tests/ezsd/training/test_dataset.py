"""Which photo comes when."""

from typing import Any

import pytest
import torch

from ezsd.training.config import ExampleConfig
from ezsd.training.dataset import BatchPlan, Draw, TrainSet, load_batches
from ezsd.training.targets import CachedTargets


def order(epoch: int) -> list[int]:
    return [0, 1, 2, 3, 4] if epoch % 2 == 0 else [4, 3, 2, 1, 0]


def plan(**changes: Any) -> BatchPlan:
    settings = {
        "order": order,
        "images_per_step": 4,
        "first_step": 0,
        "steps": 5,
        "micro_batches": 1,
        "seed": 0,
    }
    return BatchPlan(**{**settings, **changes})


def rows(batches: BatchPlan) -> list[list[int]]:
    return [[draw.row for draw in batch] for batch in batches]


def test_epochs_follow_one_another_and_no_photo_is_left_over() -> None:
    assert rows(plan()) == [[0, 1, 2, 3], [4, 4, 3, 2], [1, 0, 0, 1], [2, 3, 4, 4], [3, 2, 1, 0]]
    assert len(plan()) == 5


def test_a_resumed_plan_is_the_rest_of_the_whole_one() -> None:
    assert list(plan(first_step=3)) == list(plan())[3:]
    assert list(plan(first_step=5)) == []


def test_processes_and_micro_batches_share_a_step() -> None:
    whole = [sorted(batch) for batch in rows(plan())]
    for parts in ({"micro_batches": 2}, {"world_size": 2}):
        if "world_size" in parts:
            shares = [rows(plan(rank=rank, **parts)) for rank in range(2)]
            joined = [sorted(a + b) for a, b in zip(*shares, strict=True)]
        else:
            shares = rows(plan(**parts))
            joined = [sorted(a + b) for a, b in zip(shares[::2], shares[1::2], strict=True)]
        assert joined == whole


def test_a_photo_is_drawn_anew_each_time() -> None:
    draws = [draw for batch in plan() for draw in batch]
    assert len({draw.seed for draw in draws}) == len(draws) == 20


def test_rounds_of_different_length_follow_one_another() -> None:
    def repeated(number: int) -> list[int]:
        return [0, 1, 1] if number == 0 else [1, 0]

    whole = plan(order=repeated, images_per_step=2, steps=4)
    assert rows(whole) == [[0, 1], [1, 1], [0, 1], [0, 1]]
    assert list(plan(order=repeated, images_per_step=2, steps=4, first_step=2)) == list(whole)[2:]


def test_more_images_in_a_step_than_photos() -> None:
    assert rows(plan(images_per_step=7, steps=1)) == [[0, 1, 2, 3, 4, 4, 3]]


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_hold_photos_with_their_targets(tiny: Any, workers: int) -> None:
    def targets_of(row: int) -> CachedTargets:
        none = torch.zeros(0, 4)
        labels = torch.tensor([row])
        boxes = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
        return CachedTargets(boxes, labels, none, none, none, none, torch.zeros(0))

    train_set = TrainSet(
        lambda row: torch.full((3, 8, 8), row, dtype=torch.uint8),
        targets_of,
        ExampleConfig(proposals_per_image=2, short_sides=(8,)),
    )
    batches = list(load_batches(train_set, plan(steps=2), workers))
    assert [[int(target["labels"][0]) for _, target in batch] for batch in batches] == [
        [0, 1, 2, 3],
        [4, 4, 3, 2],
    ]
    assert all(
        int(photo[0, 0, 0]) == int(target["labels"][0]) for batch in batches for photo, target in batch
    )
    assert train_set[Draw(3, 0)][0].shape == (3, 8, 8)
