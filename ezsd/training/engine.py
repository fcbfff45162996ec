"""The steps of a training run, for any model that returns named losses, and the state to resume from."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from ezsd.distributed import count_processes, sum_over_processes
from ezsd.errors import InputError
from ezsd.training.config import StepConfig
from ezsd.training.dataset import Example
from ezsd.training.determinism import derive_seed
from ezsd.training.schedule import Schedule


class DivergedError(InputError):
    """A loss is not finite."""


@dataclass(frozen=True)
class StepReport:
    """A finished step.

    Attributes:
        step: its number, from 0.
        losses: by name, with their factors.
    """

    step: int
    losses: dict[str, float]


def train_steps(
    model: nn.Module,
    optimizer: Optimizer,
    batches: Iterable[list[Example]],
    schedule: Schedule,
    config: StepConfig,
    first_step: int,
) -> Iterator[StepReport]:
    """Take the steps from `first_step` to the schedule's last, and report each.

    Args:
        model: has the names of its losses as `losses` and gives them, by name, for images and targets; or one
            that is wrapped for several processes.
        optimizer: with its state after the steps before.
        batches: the micro-batches from `first_step` on.
        schedule: learning rate of each step.
        config: how a step is taken.
        first_step: number of the first step.

    Raises:
        DivergedError: a loss is not finite.
    """
    model.train()
    names = losses_of(model)
    source = iter(batches)
    device = next(model.parameters()).device
    for step in range(first_step, schedule.steps):
        torch.manual_seed(derive_seed(config.seed, step))
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate(step)
        total = torch.zeros(len(names), device=device)
        for part in range(config.micro_batches):
            last = part == config.micro_batches - 1
            with _local_gradients(model, not last):
                total += _backward(model, next(source), config, names, step)
        clip_grad_norm_(model.parameters(), config.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        mean = sum_over_processes(total) / count_processes()
        yield StepReport(step, dict(zip(names, mean.tolist(), strict=True)))


def _backward(
    model: nn.Module, batch: list[Example], config: StepConfig, names: Sequence[str], step: int
) -> Tensor:
    """Add the gradients of a micro-batch; return its share of the step's losses, in the order of `names`."""
    device = next(model.parameters()).device
    images = [photo.to(device, non_blocking=True) for photo, _ in batch]
    targets = [{key: value.to(device) for key, value in target.items()} for _, target in batch]
    with _precision(device, config.mixed_precision):
        losses = model(images, targets)
    factors = {str(name): factor for name, factor in config.loss_factors.items()}
    weighted = torch.stack([losses[name].float() * factors.get(name, 1.0) for name in names])
    weighted = weighted / config.micro_batches
    _require_finite(weighted, names, step)
    weighted.sum().backward()
    return weighted.detach()


def losses_of(model: nn.Module) -> Sequence[str]:
    """Names of the losses of a model, also if it is wrapped in `DistributedDataParallel`."""
    own: Any = model.module if isinstance(model, DistributedDataParallel) else model
    return tuple(own.losses)


def _require_finite(losses: Tensor, names: Sequence[str], step: int) -> None:
    if not math.isfinite(float(losses.detach().sum())):
        named = ", ".join(f"{name} {value:.3g}" for name, value in zip(names, losses.tolist(), strict=True))
        raise DivergedError(
            f"the loss is not finite at step {step} ({named}): lower the learning rate or warm up longer"
        )


def _precision(device: torch.device, mixed: bool) -> AbstractContextManager[object]:
    if mixed and device.type == "cuda":
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()


def _local_gradients(model: nn.Module, local: bool) -> AbstractContextManager[object]:
    """A context in which gradients stay local: processes exchange them once a step, after its last part."""
    if local and isinstance(model, DistributedDataParallel):
        return model.no_sync()
    return nullcontext()


_MODEL, _OPTIMIZER, _LOSSES = "model.", "optimizer.", "losses"


def training_tensors(
    model: nn.Module, optimizer: Optimizer, reports: Sequence[StepReport]
) -> dict[str, Tensor]:
    """The state after the last of `reports`, which are those of all steps so far; contiguous, on the CPU.

    Weights, what the optimizer keeps of those that have moved, and the losses.
    """
    names = losses_of(model)
    tensors = {_MODEL + name: tensor for name, tensor in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for kept, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                tensors[f"{_OPTIMIZER}{kept}.{name}"] = value
    rows = [[report.losses[name] for name in names] for report in reports]
    tensors[_LOSSES] = torch.tensor(rows, dtype=torch.float64).reshape(-1, len(names))
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def restore_training(
    model: nn.Module, optimizer: Optimizer, tensors: Mapping[str, Tensor]
) -> list[StepReport]:
    """Puts model and optimizer back into the state, and returns the reports of the steps so far.

    Raises:
        InputError: the state is of another model.
    """
    weights = {name.removeprefix(_MODEL): value for name, value in tensors.items() if name.startswith(_MODEL)}
    try:
        model.load_state_dict(weights)
        rows = tensors[_LOSSES].tolist()
    except (RuntimeError, KeyError) as error:
        raise InputError(
            f"the training state is of another model ({error}); remove it and train again"
        ) from error
    parameters = dict(model.named_parameters())
    for key, value in tensors.items():
        if key.startswith(_OPTIMIZER):
            kept, _, name = key.removeprefix(_OPTIMIZER).partition(".")
            parameter = parameters[name]
            # a count of steps, which has no dimension, stays on the CPU
            optimizer.state[parameter][kept] = value.to(parameter.device) if value.ndim else value.clone()
    names = losses_of(model)
    return [StepReport(step, dict(zip(names, row, strict=True))) for step, row in enumerate(rows)]
