"""The device, the threads and the memory of this process."""

import ctypes
import os
import platform
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.params import RunParams

if TYPE_CHECKING:
    import torch

LOCAL_RANK, LOCAL_WORLD_SIZE = "LOCAL_RANK", "LOCAL_WORLD_SIZE"
"""Environment variables that torchrun sets for each process."""

_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in a unit of `ru_maxrss`: macOS counts bytes, Linux KiB."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's `mallopt`, from `malloc.h`."""

_KEPT_BYTES = 256 << 20
"""Larger blocks go back to the system when they are freed."""


def choose_device(run: RunParams) -> "torch.device":
    """Return the device that `run.device` asks for; each process of torchrun gets its own GPU.

    Raises:
        PipelineError: the device does not exist.
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
    """Number of reader processes for training: a GPU must not wait, a CPU has no core to spare."""
    cores = (os.cpu_count() or 1) // int(os.environ.get(LOCAL_WORLD_SIZE, 1))
    return max(1, min(8, cores)) if device.type == "cuda" else 0


def count_workers(run: RunParams) -> int:
    """Number of workers; `run.workers: 0` means one per GPU, or one per core without a GPU."""
    import torch

    if run.workers:
        return run.workers
    if run.device != "cpu" and torch.cuda.is_available():
        return torch.cuda.device_count()
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute with one thread within the context: sums depend on the number of threads."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def keep_freed_memory() -> None:
    """Let this process reuse the memory of freed tensors; glibc only, elsewhere nothing changes.

    By default glibc fetches each large block from the system and returns it at once. Every tensor of a step
    then has fresh pages, and the kernel spends a quarter of the step on them.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, -1)  # never


def peak_memory(device: "torch.device") -> dict[str, int]:
    """Peak memory in bytes: `memory` of this process, and `GPU memory` if `device` is a GPU."""
    import torch

    peak = {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT}
    if device.type == "cuda":
        peak["GPU memory"] = torch.cuda.max_memory_reserved(device)
    return peak
