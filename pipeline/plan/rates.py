"""Measured rates: seconds of a unit of work, with a range, within a limit of time."""

import math
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

        The range then begins where nothing grows, and reaches as far to the other side.
        """
        measured = self.rate() * self.size
        before, seconds = self.smallest
        if size == self.size:
            return measured
        slope = measured.seconds / self.size
        if before < self.size:
            slope = max(0.0, measured.seconds - seconds) / (self.size - before)
        likely = measured.seconds + slope * (size - self.size)
        return Rate(likely, measured.low, 2 * likely - measured.low)


def repeat(
    take: Callable[[int], None],
    sizes: Sequence[int],
    seconds: float,
    meter: Clock,
    clock: Clock = time.monotonic,
) -> Repeats:
    """Time a task at growing sizes, and repeat it at the last one, within a limit.

    Args:
        take: does the task once, at a size.
        sizes: ascending. The first is a warm-up and is taken again, unless that has used up the limit; it and
            the second are taken however long they last, as nothing else tells what grows with the size.
        seconds: limit. A larger size is tried if the last one left twice the time that it should take; a task
            with fixed cost grows slower than its size, so this is taken to grow with its root.
        meter: tells the seconds that are measured; of the processor, other programs do not count.
        clock: tells the seconds of the limit.
    """
    end, last = clock() + seconds, 0.0

    def timed(size: int) -> float:
        nonlocal last
        start, begun = meter(), clock()
        take(size)
        last = clock() - begun
        return meter() - start

    size, measured = sizes[0], timed(sizes[0])
    if clock() < end:
        measured = timed(size)
    smallest = (size, measured)
    for larger in sizes[1:]:
        if larger != sizes[1] and last * math.sqrt(larger / size) > (end - clock()) / 2:
            break
        size, measured = larger, timed(larger)
    taken = [measured]
    while len(taken) < REPEATS and clock() + last <= end:
        taken.append(timed(size))
    return Repeats(size, taken, smallest)
