"""The same numbers from the same seeds."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def derive_seed(*path: int) -> int:
    """A 63-bit seed from numbers that identify its use, such as the run's seed and the step.

    Everything random has its own seed, so that a run can resume anywhere.
    """
    high, low = np.random.SeedSequence(path).generate_state(2)
    return (int(high) << 31) ^ int(low)


@contextmanager
def deterministic() -> Iterator[None]:
    """Within the context, torch uses deterministic algorithms where it has them, and warns where it has none.

    On a GPU some of the detector's operations have none.
    """
    was, warned = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(was, warn_only=warned)
