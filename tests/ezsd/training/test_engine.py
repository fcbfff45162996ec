"""The steps of a run: they learn, they stop at nonsense, and a resumed run is the same run."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from ezsd.detector.detector import LOSSES, ZeroShotDetector
from ezsd.errors import InputError
from ezsd.training.config import StepConfig
from ezsd.training.dataset import Example
from ezsd.training.engine import StepReport, restore_training, train_steps, training_tensors
from ezsd.training.schedule import Schedule, make_optimizer

STEPS = 6


def batches(tiny: Any, first: int = 0, steps: int = STEPS) -> list[list[Example]]:
    return [
        [(tiny.photo(seed), tiny.target(seed=seed)) for seed in (2 * step, 2 * step + 1)]
        for step in range(first, steps)
    ]


def train(
    tiny: Any,
    detector: ZeroShotDetector,
    first: int = 0,
    stop: int = STEPS,
    state: dict[str, Tensor] | None = None,
    rate: float = 0.01,
    taken: Sequence[list[Example]] | None = None,
    **changes: Any,
) -> tuple[dict[str, Tensor], list[StepReport]]:
    optimizer = make_optimizer(detector, StepConfig())
    reports = restore_training(detector, optimizer, state) if state else []
    steps = train_steps(
        detector,
        optimizer,
        batches(tiny, first) if taken is None else taken,
        Schedule(STEPS, rate, 2, (4,)),
        StepConfig(**changes),
        first,
    )
    reports += itertools.islice(steps, stop - first)
    return training_tensors(detector, optimizer, reports), reports


def test_a_stopped_and_resumed_run_ends_byte_for_byte_like_an_uninterrupted_one(tiny: Any) -> None:
    whole, reports = train(tiny, tiny.detector())
    half, _ = train(tiny, tiny.detector(), stop=3)
    fresh = tiny.detector()
    torch.manual_seed(99)  # whatever a new process has drawn before
    resumed, resumed_reports = train(tiny, fresh, first=3, state=half)
    assert resumed_reports == reports
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_the_same_photos_again_and_again_are_learned(tiny: Any) -> None:
    schedule = Schedule(60, 0.02, 5, ())
    same = [[(tiny.photo(), tiny.target()), (tiny.photo(1), tiny.target(seed=1))]] * schedule.steps
    detector = tiny.detector()
    optimizer = make_optimizer(detector, StepConfig(weight_decay=0))
    reports = list(train_steps(detector, optimizer, same, schedule, StepConfig(), 0))
    first, last = (sum(report.losses.values()) for report in (reports[0], reports[-1]))
    assert last < 0.7 * first


def test_frozen_weights_stay(tiny: Any) -> None:
    detector = tiny.detector()
    before = {name: p.clone() for name, p in detector.named_parameters()}
    train(tiny, detector)
    for name, parameter in detector.named_parameters():
        assert torch.equal(before[name], parameter) == (not parameter.requires_grad), name


def test_the_distillation_factor_scales_its_loss(tiny: Any) -> None:
    _, (once, *_) = train(tiny, tiny.detector(), stop=1)
    _, (thrice, *_) = train(tiny, tiny.detector(), stop=1, loss_factors={"distillation": 3.0})
    expected = {**once.losses, "distillation": 3 * once.losses["distillation"]}
    assert thrice.losses == pytest.approx(expected, rel=1e-5)


def test_micro_batches_make_the_same_step(tiny: Any) -> None:
    """The losses are means over images, so two halves of a step are as good as the whole."""
    whole, reports = train(tiny, tiny.detector(), stop=1)
    parts = [[example] for batch in batches(tiny) for example in batch]
    halves, half_reports = train(tiny, tiny.detector(), stop=1, taken=parts, micro_batches=2)
    assert half_reports[0].losses == pytest.approx(reports[0].losses, rel=1e-4)
    for name in whole:
        torch.testing.assert_close(halves[name], whole[name], rtol=1e-3, atol=1e-5)


def test_a_loss_that_is_not_finite_ends_the_run_with_the_fix(tiny: Any) -> None:
    with pytest.raises(InputError, match=r"not finite at step 0 .*lower the learning rate"):
        train(tiny, tiny.detector(), loss_factors={"distillation": 1e300})


def test_a_state_of_another_detector_is_refused(tiny: Any) -> None:
    state, _ = train(tiny, tiny.detector(), stop=1)
    with pytest.raises(InputError, match="of another model"):
        train(tiny, tiny.detector(regressor="plain"), first=1, state=state)


def test_a_state_before_the_first_step(tiny: Any) -> None:
    detector = tiny.detector()
    optimizer = make_optimizer(detector, StepConfig(weight_decay=0))
    state = training_tensors(detector, optimizer, [])
    assert state["losses"].shape == (0, len(LOSSES))
    assert restore_training(tiny.detector(), optimizer, state) == []
