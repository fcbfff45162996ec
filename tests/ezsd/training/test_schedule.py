"""The learning rate, step by step."""

import pytest
import torch
from torch import nn

from ezsd.training.config import OptimizerName, ScheduleConfig, StepConfig
from ezsd.training.engine import restore_training, training_tensors
from ezsd.training.schedule import CosineSchedule, Schedule, make_optimizer, schedule_in_epochs


def test_warm_up_then_steps_down() -> None:
    schedule = Schedule(steps=100, learning_rate=1.0, warmup_steps=10, decay_steps=(60, 80))
    rates = {step: schedule.rate(step) for step in (0, 5, 10, 59, 60, 79, 80, 99)}
    expected = {0: 0.001, 5: 0.5005, 10: 1.0, 59: 1.0, 60: 0.1, 79: 0.1, 80: 0.01, 99: 0.01}
    assert rates == pytest.approx(expected)


def test_half_a_cosine_from_the_first_step_to_the_last() -> None:
    schedule = CosineSchedule(steps=100, learning_rate=2.0, warmup_steps=10, decay_steps=())
    rates = {step: schedule.rate(step) for step in (0, 50, 75, 100)}
    assert rates == pytest.approx({0: 0.002, 50: 1.0, 75: 1 - 0.5**0.5, 100: 0.0})


def test_the_config_says_how_the_rate_falls() -> None:
    config = ScheduleConfig(epochs=10, decay="cosine", images_per_step=1, learning_rate=1.0, warmup_steps=0)
    assert schedule_in_epochs(config, photos=4).rate(20) == pytest.approx(0.5)


def test_without_warm_up() -> None:
    assert Schedule(10, 0.5, 0, ()).rate(0) == 0.5


def test_epochs_become_steps() -> None:
    schedule = schedule_in_epochs(
        ScheduleConfig(images_per_step=4, epochs=3, decay_epochs=(1, 2), learning_rate=0.1, warmup_steps=2),
        photos=10,
    )
    assert schedule.steps == 8  # 30 photos, 4 a step
    assert schedule.decay_steps == (3, 5)


def test_a_part_of_an_epoch_becomes_steps() -> None:
    tenth = schedule_in_epochs(
        ScheduleConfig(images_per_step=4, epochs=0.6, decay_epochs=(0.1 + 0.2, 4 / 6)), photos=600
    )
    assert tenth.steps == 90
    assert tenth.decay_steps == (45, 100)  # 45.000000000000007 and 100


class Line(nn.Module):
    """One weight that changes and one that is frozen."""

    losses = ("distance",)

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([2.0]))
        self.frozen = nn.Parameter(torch.tensor([1.0]), requires_grad=False)


def step(model: Line, optimizer: torch.optim.Optimizer, gradient: float) -> float:
    for group in optimizer.param_groups:
        group["lr"] = 0.1
    model.weight.grad = torch.tensor([gradient])
    optimizer.step()
    return model.weight.item()


def test_sgd_goes_along_the_gradient_and_keeps_its_momentum() -> None:
    model = Line()
    optimizer = make_optimizer(model, StepConfig(momentum=0.5, weight_decay=0))
    assert step(model, optimizer, 3.0) == pytest.approx(2 - 0.1 * 3)
    assert step(model, optimizer, 1.0) == pytest.approx(1.7 - 0.1 * (0.5 * 3 + 1))


def test_adamw_goes_by_the_rate_whatever_the_gradient_and_decays_apart_from_it() -> None:
    model = Line()
    optimizer = make_optimizer(model, StepConfig(optimizer="adamw", weight_decay=0.2))
    assert step(model, optimizer, 300.0) == pytest.approx(2 * (1 - 0.1 * 0.2) - 0.1)
    assert model.frozen.item() == 1


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_an_optimizer_goes_on_where_it_was(name: OptimizerName) -> None:
    config, model = StepConfig(optimizer=name), Line()
    optimizer = make_optimizer(model, config)
    step(model, optimizer, 3.0)
    state, fresh = training_tensors(model, optimizer, []), Line()
    again = make_optimizer(fresh, config)
    restore_training(fresh, again, {name: value.clone() for name, value in state.items()})
    assert step(fresh, again, -1.0) == step(model, optimizer, -1.0)
