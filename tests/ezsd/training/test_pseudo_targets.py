from dataclasses import replace

import pytest
import torch

from ezsd.detector.sampling import IGNORED
from ezsd.training.config import ExampleConfig, JitterConfig
from ezsd.training.targets import CachedTargets, PseudoTargets, Window, crop_targets, draw_example

PHOTO = torch.zeros(3, 40, 60, dtype=torch.uint8)
BASE = CachedTargets.of_boxes(torch.tensor([[0.0, 0, 10, 10]]))
CONFIG = ExampleConfig(short_sides=(40,))


def pseudo(weight: float) -> PseudoTargets:
    return PseudoTargets(torch.tensor([[20.0, 0, 40, 30]]), torch.tensor([7]), torch.tensor([weight]))


@pytest.mark.parametrize(("weight", "label"), [(1.0, 7), (0.0, IGNORED)])
def test_a_pseudo_box_is_an_object_or_is_ignored(weight: float, label: int) -> None:
    for seed in range(5):
        _, target = draw_example(PHOTO, replace(BASE, pseudo=pseudo(weight)), CONFIG, seed)
        assert target["labels"].tolist() == [0, label]
        assert len(target["boxes"]) == 2


def test_it_is_an_object_in_a_share_of_the_showings_that_is_its_weight() -> None:
    targets = (
        draw_example(PHOTO, replace(BASE, pseudo=pseudo(0.3)), CONFIG, seed)[1] for seed in range(1000)
    )
    drawn = sum(int(target["labels"][1] == 7) for target in targets)
    assert 250 < drawn < 350  # 300 +- 14.5


def test_its_mask_is_unknown() -> None:
    masks = torch.ones(1, 40, 60, dtype=torch.uint8)
    _, target = draw_example(PHOTO, replace(BASE, masks=masks, pseudo=pseudo(1.0)), CONFIG, 0)
    assert target["masks"].flatten(1).any(dim=1).tolist() == [True, False]


def test_a_crop_moves_and_drops_pseudo_boxes() -> None:
    seen = crop_targets(replace(BASE, pseudo=pseudo(0.5)), Window(15, 0, 60, 40)).pseudo
    assert seen is not None and seen.boxes_xyxy.tolist() == [[5, 0, 25, 30]]
    hidden = crop_targets(replace(BASE, pseudo=pseudo(0.5)), Window(0, 0, 20, 40)).pseudo
    assert hidden is not None and len(hidden) == 0


def test_without_pseudo_boxes_nothing_else_is_drawn() -> None:
    config = replace(CONFIG, jitter=JitterConfig(smallest=0.5, largest=2.0))
    for seed in range(5):
        none = pseudo(1.0)
        empty = PseudoTargets(none.boxes_xyxy[:0], none.labels[:0], none.weights[:0])
        (one, plain), (other, same) = (
            draw_example(PHOTO, replace(BASE, pseudo=each), config, seed) for each in (None, empty)
        )
        assert torch.equal(one, other) and all(torch.equal(plain[key], same[key]) for key in plain)
