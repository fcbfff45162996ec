"""One seed for each thing drawn at random, so that a run can be taken up anywhere."""

import numpy as np


def derive_seed(*path: int) -> int:
    """A 63-bit seed from numbers that say what it is for, such as the run's seed and the step."""
    high, low = np.random.SeedSequence(path).generate_state(2)
    return (int(high) << 31) ^ int(low)
