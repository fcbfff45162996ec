"""The optimizer, and the learning rate over a training run: a linear warm-up, then steps or a cosine down.

Steps are the paper's (docs/method.md, section 6).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from ezsd.training.config import Decay, OptimizerName, ScheduleConfig, StepConfig

WARMUP_START = 0.001
STEP_FACTOR = 0.1


@dataclass(frozen=True)
class Schedule:
    """The learning rate at each step of a run.

    Attributes:
        steps: of the whole run.
        learning_rate: after warm-up and before the first decay.
        warmup_steps: steps over which the rate rises from a thousandth.
        decay_steps: steps at which the rate drops to a tenth.
    """

    steps: int
    learning_rate: float
    warmup_steps: int
    decay_steps: Sequence[int]

    def rate(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        return self.learning_rate * self._decay(step) * self._warmup(step)

    def _decay(self, step: int) -> float:
        return STEP_FACTOR ** sum(step >= decay for decay in self.decay_steps)

    def _warmup(self, step: int) -> float:
        if step >= self.warmup_steps:
            return 1.0
        return WARMUP_START + (1 - WARMUP_START) * step / self.warmup_steps


class CosineSchedule(Schedule):
    """Falls from the first step to the last along half a cosine (arXiv 1608.03983), and not in steps."""

    def _decay(self, step: int) -> float:
        return (1 + math.cos(math.pi * step / self.steps)) / 2


SCHEDULES: dict[Decay, type[Schedule]] = {"steps": Schedule, "cosine": CosineSchedule}


def schedule_in_epochs(config: ScheduleConfig, photos: int) -> Schedule:
    """Convert a schedule from epochs to steps.

    An epoch has `photos` images, those included that are repeated for their rare names. It need not end with
    a step.
    """
    epochs = (config.epochs, *config.decay_epochs)
    steps = [_steps_of(photos * epoch / config.images_per_step) for epoch in epochs]
    make = SCHEDULES[config.decay]
    return make(steps[0], config.learning_rate, config.warmup_steps, tuple(steps[1:]))


def _steps_of(exact: float) -> int:
    """Round up, ignoring errors of binary fractions."""
    return math.ceil(round(exact, 6))


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
