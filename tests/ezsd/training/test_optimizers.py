"""The first step of each optimizer, by hand, and what it goes on from after a stop."""

import pytest
import torch
from torch import nn

from ezsd.training.checkpoint import restore_training, training_tensors
from ezsd.training.config import OptimizerName, StepConfig
from ezsd.training.optimizers import make_optimizer


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
