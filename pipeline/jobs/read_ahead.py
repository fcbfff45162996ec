"""Photos are read in a thread while the teacher looks at the ones before: nothing waits for a photo."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

AHEAD = 2

Item = TypeVar("Item")


def read_ahead(read: Callable[[int], Item], rows: Iterable[int]) -> Iterator[Item]:
    """`read(row)` of each row, in order; at most `AHEAD` of them wait in memory."""
    with ThreadPoolExecutor(1) as thread:
        waiting: deque[Future[Item]] = deque()
        try:
            for row in rows:
                waiting.append(thread.submit(read, row))
                if len(waiting) > AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
