"""The lock of an artifact: one run makes it at a time, and others can see that."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from ezsd.cache.errors import ArtifactError


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[bool]:
    """Lock the artifact for this process, without waiting.

    The lock is beside the real folder: runs whose `artifacts/<stage>` link to one folder share it. The system
    frees the lock of a process that dies.

    Yields:
        Whether this process holds the lock; False when another one does.

    Raises:
        ArtifactError: the disk refuses.
    """
    lock = _lock(folder)
    try:
        os.makedirs(os.path.dirname(lock.lock_file), exist_ok=True)
        lock.acquire()
    except Timeout:
        yield False
        return
    except OSError as error:
        place = folder.resolve().parent
        raise ArtifactError(
            f"{place} cannot be written to ({error.strerror}): make it writable, or link it to one that is"
        ) from error
    try:
        yield True
    finally:
        lock.release()


def is_held(folder: Path) -> bool:
    """Whether a run is making the artifact now, as far as this process can see."""
    lock = _lock(folder)
    if not os.path.exists(lock.lock_file):
        return False
    try:
        with lock:
            return False
    except Timeout:
        return True
    except OSError:  # not writable, as on a read-only medium
        return False


def _lock(folder: Path) -> FileLock:
    place = folder.resolve()
    return FileLock(place.with_name(f".{place.name}.lock"), blocking=False)
