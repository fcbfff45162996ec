"""Which device a run computes on."""

import os

import torch

from pipeline.errors import PipelineError
from pipeline.params import RunParams


def choose_device(run: RunParams) -> torch.device:
    """The device that `run.device` asks for. Raises PipelineError when there is no such device."""
    if run.device == "cuda" and not torch.cuda.is_available():
        raise PipelineError("run.device is cuda, but torch sees no GPU: set it to auto or cpu")
    return torch.device("cuda" if run.device != "cpu" and torch.cuda.is_available() else "cpu")


def loader_workers(device: torch.device) -> int:
    """Processes that read ahead for training: a GPU must not wait, a CPU has no core to spare."""
    return min(8, os.cpu_count() or 1) if device.type == "cuda" else 0
