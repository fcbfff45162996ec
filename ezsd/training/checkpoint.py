"""All that a run needs to go on as if it had never stopped: weights, optimizer, and the losses so far."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ezsd.errors import InputError
from ezsd.training.engine import StepReport, losses_of

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
