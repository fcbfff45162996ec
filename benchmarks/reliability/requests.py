"""What may happen when something is asked of the disk: nothing, an error, or a look at what is there."""

import errno
import os
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

_NEED_SPACE = {"open", "write", "flush", "fsync", "rename", "mkdir", "store.set"}


class Point(NamedTuple):
    """A request of the disk or of a store.

    Attributes:
        kind: such as `write` or `store.set`.
        name: path of the file below the root, or the store's key; empty for `fsync`.
    """

    kind: str
    name: str


class Faults:
    """Counts requests; at each one something may happen: what subclasses define.

    Attributes:
        points: all requests so far.
    """

    def __init__(self) -> None:
        self.points: list[Point] = []
        self._lock = Lock()

    def request(self, point: Point, half: Callable[[], None]) -> bool:
        """Count a request before it is done.

        Args:
            point: the request.
            half: does a part of it.

        Returns:
            Whether that part was done.
        """
        with self._lock:
            self.points.append(point)
            return self.act(point, half)

    def act(self, point: Point, half: Callable[[], None]) -> bool:
        """Do what is to be done at the last of `points`; returns and raises as `request`."""
        return False


class Failing(Faults):
    """Lets one request fail, or that one and all later ones that need space on a full disk.

    Args:
        at: number of the request, from 0.
        full: whether the disk is full from then on.

    Attributes:
        later: requests after the first failure that a full disk refuses.
    """

    def __init__(self, at: int, full: bool) -> None:
        super().__init__()
        self._at, self._full, self.later = at, full, 0

    def act(self, point: Point, half: Callable[[], None]) -> bool:
        """Raise OSError if this request fails; a write writes half of its data before."""
        number = len(self.points) - 1
        if number == self._at:
            half()
            raise self._error(point)
        if number > self._at and point.kind in _NEED_SPACE:
            self.later += 1
            if self._full:
                raise self._error(point)
        return False

    def _error(self, point: Point) -> OSError:
        number = errno.ENOSPC if self._full else errno.EIO
        return OSError(number, os.strerror(number), point.name)


class Observed(Faults):
    """Calls a function before each request, and in the middle of each write.

    What it then finds on the disk is what a process that ends there leaves behind.

    Args:
        observe: called with the number of the request.
    """

    def __init__(self, observe: Callable[[int], None]) -> None:
        super().__init__()
        self._observe = observe

    def act(self, point: Point, half: Callable[[], None]) -> bool:
        """Look at the disk."""
        self._observe(len(self.points) - 1)
        if point.kind != "write":
            return False
        half()
        self._observe(len(self.points) - 1)
        return True
