"""Blocking access to the objects of a Zarr store, the only one that the cache uses.

Local folders, stores in memory and object storage all look the same here.
"""

import asyncio
import mmap
import os
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype
from zarr.core.common import AccessModeLiteral
from zarr.core.sync import sync
from zarr.storage import FsspecStore, LocalStore

from ezsd.cache.atomic import write_bytes_atomic
from ezsd.cache.errors import ArtifactError

Location = Path | str | Store
T = TypeVar("T")


class AtomicLocalStore(LocalStore):
    """Zarr's local store, with writes that are flushed, published by rename, and fail in one sentence.

    Unlike Zarr's own, reading from a missing folder does not create it.
    """

    async def _open(self, *, mode: AccessModeLiteral | None = None) -> None:
        await Store._open(self)

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return the object, or a part of it; None if there is no such object."""
        data = _map_file(self.root / key, byte_range)
        if data is None:
            return None
        return (prototype or default_buffer_prototype()).buffer.from_array_like(data)

    async def set(self, key: str, value: Buffer) -> None:
        """Make `key` hold exactly `value`. Raises ArtifactError when the disk is full or refuses."""
        await asyncio.to_thread(write_bytes_atomic, self.root / key, value.to_bytes())


def _map_file(path: Path, part: ByteRequest | None) -> np.ndarray | None:
    """The bytes of a file or of a part of it, uint8 `(size,)`, read-only; None if there is no file.

    They are mapped, not copied, since shards are large. Writers replace files by rename, so mapped bytes
    never change.
    """
    try:
        with path.open("rb") as file:
            data = _content(file)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
    match part:
        case RangeByteRequest(start, end):
            return data[start:end]
        case OffsetByteRequest(offset):
            return data[offset:]
        case SuffixByteRequest(suffix):
            return data[max(len(data) - suffix, 0) :]
    return data


def _content(file: BinaryIO) -> np.ndarray:
    if os.fstat(file.fileno()).st_size == 0:  # an empty file cannot be mapped
        return np.empty(0, np.uint8)
    try:
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    except OSError:  # some network file systems cannot map
        return np.frombuffer(file.read(), np.uint8)


def open_location(location: Location) -> Store:
    """Open a folder, a URL such as `s3://bucket/prefix` or `memory://name`, or a Zarr store as it is.

    Raises:
        ArtifactError: the URL's driver is not installed, or fsspec does not know it.
    """
    if isinstance(location, Store):
        return location
    if isinstance(location, str) and "://" in location:
        return _open_url(location)
    return AtomicLocalStore(Path(location))


def _open_url(url: str) -> FsspecStore:
    protocol = url.split("://")[0]
    # a cached listing would not show what other processes have written since
    options: dict[str, Any] = {"use_listings_cache": False}
    if protocol == "file":
        options["auto_mkdir"] = True
    try:
        return FsspecStore.from_url(url, storage_options=options)
    except Exception as error:  # drivers raise all kinds of errors
        raise ArtifactError(
            f"{url} cannot be opened: {error}; install fsspec's driver of {protocol}:// or correct the URL"
        ) from error


class Objects:
    """Blocking reads and writes of whole objects, or byte ranges of them, in one store.

    Every method raises ArtifactError when the store refuses.
    """

    def __init__(self, location: Location) -> None:
        self._location, self.name = location, str(location)
        self._store, self._process = open_location(location), os.getpid()

    @property
    def store(self) -> Store:
        """The store, reopened in a forked process: connections do not survive a fork."""
        if self._process != os.getpid():
            self._store, self._process = open_location(self._location), os.getpid()
        return self._store

    def get(self, key: str) -> bytes | None:
        """The object's bytes, or None when there is no such object."""
        (found,) = self.get_many([(key, None)])
        return None if found is None else bytes(found)

    def get_many(self, requests: Sequence[tuple[str, ByteRequest | None]]) -> list[memoryview | None]:
        """Objects, or byte ranges of them, fetched concurrently; None for each that is missing.

        They are not copied, since shards are large.
        """

        async def fetch() -> list[memoryview | None]:
            prototype = default_buffer_prototype()
            found = await asyncio.gather(*(self.store.get(key, prototype, part) for key, part in requests))
            return [None if data is None else data.as_numpy_array().data for data in found]

        return self._wait("read", fetch())

    def put(self, key: str, data: bytes) -> None:
        """Make `key` hold `data`, whole."""
        self._wait("write", self.store.set(key, default_buffer_prototype().buffer.from_bytes(data)))

    def sizes(self, keys: Iterable[str]) -> list[int | None]:
        """Return the size in bytes of each object; None for each that is missing."""

        async def size(key: str) -> int | None:
            try:
                return await self.store.getsize(key)
            except FileNotFoundError:
                return None

        async def measure() -> list[int | None]:
            return await asyncio.gather(*(size(key) for key in keys))

        return self._wait("read", measure())

    def listing(self) -> dict[str, int]:
        """Return the size in bytes of every object, by key; in few requests when the store is at a URL."""

        async def find() -> dict[str, int]:
            store = self.store
            if isinstance(store, FsspecStore):
                found = await store.fs._find(store.path, detail=True)
                return {path.removeprefix(f"{store.path}/"): one["size"] for path, one in found.items()}
            return {key: await store.getsize(key) async for key in store.list()}

        return self._wait("read", find())

    def names_below(self, prefix: str) -> list[str]:
        """Return the names of objects and folders directly below `prefix`, sorted."""

        async def names() -> list[str]:
            return sorted([name async for name in self.store.list_dir(prefix)])

        return self._wait("read", names())

    def delete(self, key: str) -> None:
        """Remove one object if it exists."""
        self._wait("write", self.store.delete(key))

    def delete_below(self, prefix: str) -> None:
        """Remove every object below `prefix`."""
        self._wait("write", self.store.delete_dir(prefix))

    def _wait(self, action: str, work: Coroutine[Any, Any, T]) -> T:
        # drivers of object storage raise all kinds of errors when it cannot be reached
        refusals = Exception if isinstance(self.store, FsspecStore) else OSError
        try:
            return sync(work)
        except refusals as error:
            reason = str(error) or type(error).__name__
            raise ArtifactError(
                f"cannot {action} {self.name}: {reason}; fix that and run again, finished shards are kept"
            ) from error
