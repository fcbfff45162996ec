"""The head's start by ridge regression."""

from dataclasses import replace
from typing import Any

import torch
from torch.testing import assert_close

from ezsd.detector.detector import ZeroShotDetector, build_detector
from ezsd.training.closed_form import start_in_closed_form


def detector_of(tiny: Any) -> ZeroShotDetector:
    torch.manual_seed(0)
    config = replace(tiny.config(), start="closed_form")
    return build_detector(replace(config, box_head=replace(config.box_head, width=2 * tiny.dim)), tiny.dim)


def test_the_cached_embeddings_are_met_before_the_first_step(tiny: Any) -> None:
    detector = detector_of(tiny)
    detector.set_vocabulary(torch.randn(5, tiny.dim))
    examples = [(tiny.photo(seed), tiny.target(distilled=4, seed=seed)) for seed in range(2)]

    def loss() -> float:
        photos, targets = zip(*examples, strict=True)
        return detector.train()(photos, targets)["distillation"].item()

    before = loss()
    start_in_closed_form(detector, examples)
    assert loss() < 0.5 * before


def test_a_box_without_weight_does_not_count(tiny: Any) -> None:
    both, one = detector_of(tiny), detector_of(tiny)
    target = tiny.target(distilled=4)
    target["distill_weights"] = torch.tensor([1.0, 1.0, 1.0, 0.0])
    left = {**target, **{key: target[key][:3] for key in target if key.startswith("distill_")}}
    start_in_closed_form(both, [(tiny.photo(), target)])
    start_in_closed_form(one, [(tiny.photo(), left)])
    for name, tensor in both.roi_heads.box_head.state_dict().items():
        assert_close(tensor, one.roi_heads.box_head.state_dict()[name], atol=1e-4, rtol=1e-4)


def test_only_the_box_head_changes(tiny: Any) -> None:
    detector = detector_of(tiny)
    before = {name: tensor.clone() for name, tensor in detector.state_dict().items()}
    start_in_closed_form(detector, [(tiny.photo(), tiny.target(distilled=3))])
    changed = {
        name for name, tensor in detector.state_dict().items() if not torch.equal(before[name], tensor)
    }
    assert changed and all(
        name.startswith(("roi_heads.box_head.classification", "roi_heads.box_head.projection"))
        for name in changed
    )
