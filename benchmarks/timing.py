"""Comparable times on a busy machine: the candidates take turns."""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch

Work = Callable[[], object]


def take_turns(works: Mapping[str, Work], rounds: int) -> dict[str, float]:
    """Return seconds of each work, the best of `rounds` turns: other load can only add to it."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            seconds[name].append(seconds_of(work))
    return {name: min(taken) for name, taken in seconds.items()}


def seconds_of(work: Work) -> float:
    """Time a work, its GPU kernels included; garbage is collected beforehand."""
    gc.collect()
    _wait_for_gpu()
    start = time.perf_counter()
    work()
    _wait_for_gpu()
    return time.perf_counter() - start


@contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """Make torch use this many threads within the context."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _wait_for_gpu() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
