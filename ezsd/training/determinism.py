"""The same numbers from the same seeds."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def derive_seed(*path: int) -> int:
    """A 63-bit seed from numbers that say what it is for, such as the run's seed and the step.

    Each thing drawn at random has one of its own, so that a run can be taken up anywhere.
    """
    high, low = np.random.SeedSequence(path).generate_state(2)
    return (int(high) << 31) ^ int(low)


@contextmanager
def deterministic() -> Iterator[None]:
    """Let torch choose algorithms whose result does not depend on the order in which threads finish.

    A GPU has none for some of the detector's operations; torch warns of those and goes on.
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
