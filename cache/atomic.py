"""Files that are either whole or not there: written aside, flushed to the disk, published by rename."""

import contextlib
import errno
import hashlib
import json
import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ezsd.cache.errors import ArtifactError

_LEFTOVER = re.compile(r"^\..+\.[0-9a-f]{32}\.part$")
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}


def write_bytes_atomic(path: Path, data: bytes) -> None:
    """Make `path` hold exactly `data`; a reader sees the old file or the new one, never a part.

    Missing parent folders are made. An existing file is replaced, not written into: it may be a
    read-only hard link into a cache that others share.
    Raises ArtifactError when the disk is full or refuses; then nothing is left behind.
    """
    with written_aside(path, len(data)) as aside:
        _write_through(aside, data)


@contextlib.contextmanager
def written_aside(path: Path, size: int) -> Iterator[Path]:
    """Give a path to write a file of about `size` bytes to; at the end it becomes `path`, as above.

    For what is too large for one piece of memory; the writer flushes it to the disk, see `flush_file`.
    Raises ArtifactError when the disk is full or refuses; then nothing is left behind.
    """
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield aside
        os.replace(aside, path)
        _flush_folder(path.parent)
    except OSError as error:
        raise ArtifactError(_reason(path, size, error)) from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


def flush_file(path: Path) -> None:
    """Make a closed file's content survive a power cut."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def write_json_atomic(path: Path, value: object) -> None:
    """Write `value` as canonical JSON (see `json_bytes`) with `write_bytes_atomic`."""
    write_bytes_atomic(path, json_bytes(value))


def json_bytes(value: object) -> bytes:
    """Canonical JSON for files: sorted keys, indent 1, UTF-8, a newline at the end.

    Numpy scalars and arrays are written as plain numbers and lists.
    Raises ArtifactError for what JSON cannot hold: NaN, infinities, other objects.
    """
    try:
        text = json.dumps(
            value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False, default=_plain
        )
        return text.encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise ArtifactError(
            f"a value cannot be written as JSON ({error}); pass finite, plain values"
        ) from error


def parse_json(data: bytes) -> Any:
    """The value of a JSON text that `json_bytes` could have made: UTF-8, without NaN and infinities.

    Raises ValueError for anything else, also for what is nested too deeply to be read.
    """
    try:
        return json.loads(data.decode(), parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def sweep_leftovers(folder: Path) -> int:
    """Remove what killed writers left aside below `folder`; returns how many files.

    Call it only when nobody is writing there: at the start of a stage, or before it is published.
    """
    leftovers = list(find_leftovers(folder))
    for leftover in leftovers:
        leftover.unlink(missing_ok=True)
    return len(leftovers)


def find_leftovers(folder: Path) -> Iterator[Path]:
    """The temporary files below `folder`, recognised by their names."""
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names if is_leftover(name))


def is_leftover(name: str) -> bool:
    """Whether a file's name is one that only a writer's temporary file has."""
    return _LEFTOVER.match(name) is not None


def sha256_file(path: Path) -> str:
    """SHA-256 of a file as 64 hex digits, read in pieces so that memory stays flat."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_through(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut; file systems that cannot do so are let pass."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _reason(path: Path, size: int, error: OSError) -> str:
    if error.errno in _DISK_FULL:
        return (
            f"cannot write {path} ({size:,} bytes): the disk is full; "
            "free space and run again, finished shards are kept"
        )
    if error.errno in _REFUSED:
        return (
            f"cannot write {path} ({size:,} bytes): {error.strerror}; "
            "make its folder writable and run again, finished shards are kept"
        )
    return (
        f"cannot write {path} ({size:,} bytes): {error.strerror or error}; "
        "fix the disk or the path and run again, finished shards are kept"
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it holds {name}")


def _plain(value: Any) -> Any:
    import numpy as np  # called for what is no plain value only

    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not a JSON type")
