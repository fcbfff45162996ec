"""All that a run needs to go on as if it had never stopped: weights, momentum, and the losses so far."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.optim import SGD

from ezsd.detector.detector import ZeroShotDetector
from ezsd.errors import InputError
from ezsd.training.engine import StepReport

_MODEL, _MOMENTUM, _LOSSES = "model.", "momentum.", "losses"


def training_tensors(
    detector: ZeroShotDetector, optimizer: SGD, reports: Sequence[StepReport]
) -> dict[str, Tensor]:
    """The state after the last of `reports`, which are those of all steps so far; contiguous, on the CPU."""
    rows = [[report.losses[name] for name in detector.losses] for report in reports]
    losses = torch.tensor(rows, dtype=torch.float64).reshape(-1, len(detector.losses))
    return {**model_tensors(detector, optimizer), _LOSSES: losses}


def restore_training(
    detector: ZeroShotDetector, optimizer: SGD, tensors: Mapping[str, Tensor]
) -> list[StepReport]:
    """Puts detector and optimizer back into the state, and returns the reports of the steps so far.

    Raises:
        InputError: the state is of another detector.
    """
    try:
        restore_model(detector, optimizer, tensors)
        rows = tensors[_LOSSES].tolist()
    except (RuntimeError, KeyError) as error:
        raise InputError(
            f"the training state is of another detector ({error}); remove it and train again"
        ) from error
    return [StepReport(step, dict(zip(detector.losses, row, strict=True))) for step, row in enumerate(rows)]


def model_tensors(model: nn.Module, optimizer: SGD) -> dict[str, Tensor]:
    """Weights, and the momentum of those that have moved; contiguous, on the CPU."""
    tensors = {_MODEL + name: tensor for name, tensor in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        momentum = optimizer.state.get(parameter, {}).get("momentum_buffer")
        if momentum is not None:
            tensors[_MOMENTUM + name] = momentum
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def restore_model(model: nn.Module, optimizer: SGD, tensors: Mapping[str, Tensor]) -> None:
    """The inverse of `model_tensors`. Raises RuntimeError when the tensors are of another model."""
    model.load_state_dict(
        {name.removeprefix(_MODEL): value for name, value in tensors.items() if name.startswith(_MODEL)}
    )
    for name, parameter in model.named_parameters():
        if _MOMENTUM + name in tensors:
            momentum = tensors[_MOMENTUM + name].to(parameter.device)
            optimizer.state[parameter]["momentum_buffer"] = momentum
