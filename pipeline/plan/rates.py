"""Measured rates: seconds of a unit of work, with a range, within a limit of time."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

REPEATS = 9
"""Most repeats of a measurement."""
SPREAD = (10, 90)
"""Percentiles of the repeats that make the range."""

Clock = Callable[[], float]


@dataclass(frozen=True)
class Rate:
    """Seconds of a unit of work.

    Attributes:
        seconds: the estimate.
        low: a value that few repeats were faster than.
        high: a value that few repeats were slower than.
    """

    seconds: float
    low: float
    high: float

    def __mul__(self, units: float) -> "Rate":
        return Rate(self.seconds * units, self.low * units, self.high * units)

    def __add__(self, other: "Rate") -> "Rate":
        return Rate(self.seconds + other.seconds, self.low + other.low, self.high + other.high)


NOTHING = Rate(0.0, 0.0, 0.0)


def constant(seconds: float) -> Rate:
    """A rate that is known, or was measured once."""
    return Rate(seconds, seconds, seconds)


@dataclass(frozen=True)
class Repeats:
    """Timed repeats of a task at the largest size for which there was time.

    Attributes:
        size: of the task.
        seconds: of each repeat.
        smallest: the smallest size, and its seconds.
    """

    size: int
    seconds: Sequence[float]
    smallest: tuple[int, float]

    def rate(self) -> Rate:
        """Seconds of a unit: median of the repeats, and their range."""
        low, high = np.percentile(self.seconds, SPREAD).tolist()
        return Rate(float(np.median(self.seconds)), low, high) * (1 / self.size)

    def rate_at(self, size: int) -> Rate:
        """Seconds of the task at a larger size: on the line through the two sizes that were measured.

        The upper end of the range is in proportion to the size, as if nothing were fixed.
        """
        measured = self.rate() * self.size
        before, seconds = self.smallest
        if size == self.size or before == self.size:
            return measured * (size / self.size)
        slope = max(0.0, measured.seconds - seconds) / (self.size - before)
        likely = measured.seconds + slope * (size - self.size)
        return Rate(likely, likely * measured.low / measured.seconds, measured.high * size / self.size)


def repeat(
    take: Callable[[int], None], sizes: Sequence[int], seconds: float, clock: Clock = time.monotonic
) -> Repeats:
    """Time a task at growing sizes, and repeat it at the last one, within a limit.

    Args:
        take: does the task once, at a size.
        sizes: ascending; the first is taken twice however long it lasts, as its first time is a warm-up.
        seconds: limit. A size is tried if it should take, in proportion, at most half of the time left.
        clock: tells seconds.
    """
    end = clock() + seconds

    def timed(size: int) -> float:
        start = clock()
        take(size)
        return clock() - start

    timed(sizes[0])
    size, last = sizes[0], timed(sizes[0])
    smallest = (size, last)
    for larger in sizes[1:]:
        if last * larger / size > (end - clock()) / 2:
            break
        size, last = larger, timed(larger)
    taken = [last]
    while len(taken) < REPEATS and clock() + last <= end:
        taken.append(timed(size))
    return Repeats(size, taken, smallest)
