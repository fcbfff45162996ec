"""Atomic files: written to a temporary file, flushed to disk, published by rename."""

import contextlib
import errno
import glob
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

    Missing parent folders are created. An existing file is replaced, not written into: it may be a
    read-only hard link into a shared cache.

    Raises:
        ArtifactError: the disk is full or refuses; nothing is left behind.
    """
    with written_aside(path, len(data)) as aside:
        _write_through(aside, data)


@contextlib.contextmanager
def written_aside(path: Path, size: int) -> Iterator[Path]:
    """Yield a temporary path for a file of about `size` bytes, renamed to `path` at the end.

    For files too large to hold in memory. The writer flushes the file, see `flush_file`.

    Raises:
        ArtifactError: the disk is full or refuses; nothing is left behind.
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
    """Flush a closed file to disk, so that it survives a power cut."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def write_json_atomic(path: Path, value: object) -> None:
    """Write `value` as canonical JSON (see `json_bytes`) with `write_bytes_atomic`."""
    write_bytes_atomic(path, json_bytes(value))


def json_bytes(value: object) -> bytes:
    """Encode as canonical JSON: sorted keys, indent 1, UTF-8, a newline at the end.

    Numpy scalars and arrays become numbers and lists.

    Raises:
        ArtifactError: JSON cannot hold the value: NaN, an infinity, another object.
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
    """Parse JSON that `json_bytes` could have written: UTF-8, without NaN and infinities.

    Raises:
        ValueError: anything else, also JSON that is nested too deeply.
    """
    try:
        return json.loads(data.decode(), parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def sweep_leftovers(folder: Path) -> int:
    """Remove temporary files of killed writers below `folder`.

    Call it only while nothing is writing there: at the start of a stage, or before it is published.

    Returns:
        How many files were removed.
    """
    leftovers = list(find_leftovers(folder))
    for leftover in leftovers:
        leftover.unlink(missing_ok=True)
    return len(leftovers)


def sweep_leftovers_of(path: Path) -> None:
    """Remove what killed writers of this file left beside it; call it only while nothing is writing it."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        if is_leftover(leftover.name):
            leftover.unlink(missing_ok=True)


def find_leftovers(folder: Path) -> Iterator[Path]:
    """Yield the temporary files below `folder`, recognised by their names."""
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names if is_leftover(name))


def is_leftover(name: str) -> bool:
    """Whether the name is that of a writer's temporary file."""
    return _LEFTOVER.match(name) is not None


def sha256_file(path: Path) -> str:
    """Return a file's SHA-256 as 64 hex digits; memory stays flat."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_through(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, on file systems that can."""
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
