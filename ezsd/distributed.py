"""Reductions over all processes of a training run; with one process they return their argument."""

import torch
from torch import Tensor, distributed


def count_processes() -> int:
    """The world size."""
    return distributed.get_world_size() if _are_several() else 1


def sum_over_processes(values: Tensor) -> Tensor:
    """Sum a tensor over all processes, in place; it has the same shape in each."""
    if _are_several():
        distributed.all_reduce(values)
    return values


def max_over_processes(sides: list[int]) -> list[int]:
    """Element-wise maximum over all processes."""
    if not _are_several():
        return sides
    largest = torch.tensor(sides)
    distributed.all_reduce(largest, distributed.ReduceOp.MAX)
    return largest.tolist()


def rows_a_process(rows: int, device: torch.device) -> Tensor | int:
    """The mean of all processes' numbers of rows, at least one row in all.

    Processes average their gradients. A sum over a process's rows, divided by this, becomes by that average
    the mean over the rows of all, however unequally they are shared.
    """
    if not _are_several():
        return max(rows, 1)
    return sum_over_processes(torch.tensor(float(rows), device=device)).clamp(min=1) / count_processes()


def _are_several() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()
