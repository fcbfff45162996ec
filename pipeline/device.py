"""Which device a run computes on."""

import os
from typing import TYPE_CHECKING

from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.params import RunParams

if TYPE_CHECKING:
    import torch

LOCAL_RANK, LOCAL_WORLD_SIZE = "LOCAL_RANK", "LOCAL_WORLD_SIZE"
"""What torchrun tells a process: its number on this machine, and how many there are."""


def choose_device(run: RunParams) -> "torch.device":
    """The device that `run.device` asks for; each process that torchrun starts has a GPU of its own.

    Raises:
        PipelineError: there is no such device.
    """
    import torch

    if run.device == "cuda" and not torch.cuda.is_available():
        raise PipelineError("run.device is cuda, but torch sees no GPU: set it to auto or cpu")
    if run.device == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    if LOCAL_RANK not in os.environ:
        return torch.device("cuda")
    number, gpus = int(os.environ[LOCAL_RANK]), torch.cuda.device_count()
    if number >= gpus:
        raise PipelineError(
            f"torchrun started more processes than the {gpus} GPUs that torch sees: "
            f"give it --nproc-per-node {gpus}, or set run.device to cpu"
        )
    return torch.device("cuda", number)


def loader_workers(device: "torch.device") -> int:
    """Processes that read ahead for training: a GPU must not wait, a CPU has no core to spare."""
    cores = (os.cpu_count() or 1) // int(os.environ.get(LOCAL_WORLD_SIZE, 1))
    return max(1, min(8, cores)) if device.type == "cuda" else 0
