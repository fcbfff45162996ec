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


def mean_rows(rows: int, device: torch.device) -> Tensor | int:
    """Mean number of rows per process, from at least one row in total.

    Gradients are averaged over processes. A sum over the rows of a process, divided by this, is averaged to
    the mean over all rows, also when processes have different numbers of rows.

    Args:
        rows: of this process.
        device: where the result is needed.

    Returns:
        A number with one process, else a tensor without dimensions.
    """
    if not _are_several():
        return max(rows, 1)
    return sum_over_processes(torch.tensor(float(rows), device=device)).clamp(min=1) / count_processes()


def _are_several() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()
