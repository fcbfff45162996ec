"""What turns gradients into steps; the rate is set at each step."""

from collections.abc import Callable, Sequence

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from ezsd.training.config import OptimizerName, StepConfig


def make_optimizer(model: nn.Module, config: StepConfig) -> Optimizer:
    """The config's optimizer over all that can change in the model, with a rate of 0."""
    return OPTIMIZERS[config.optimizer](
        [parameter for parameter in model.parameters() if parameter.requires_grad], config
    )


def _sgd(parameters: Sequence[nn.Parameter], config: StepConfig) -> SGD:
    return SGD(parameters, lr=0.0, momentum=config.momentum, weight_decay=config.weight_decay)


def _adamw(parameters: Sequence[nn.Parameter], config: StepConfig) -> AdamW:
    """AdamW (arXiv 1711.05101) with its authors' averages, 0.9 and 0.999."""
    return AdamW(parameters, lr=0.0, weight_decay=config.weight_decay)


OPTIMIZERS: dict[OptimizerName, Callable[[Sequence[nn.Parameter], StepConfig], Optimizer]] = {
    "sgd": _sgd,
    "adamw": _adamw,
}
