"""Whole objects of a Zarr store by blocking calls: the only way in which the cache touches a store.

A local folder, a store in memory and an object storage are the same from here on.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from zarr.abc.store import ByteRequest, Store
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.core.common import AccessModeLiteral
from zarr.core.sync import sync
from zarr.storage import FsspecStore, LocalStore

from cache.atomic import write_bytes_atomic
from cache.errors import ArtifactError

Location = Path | str | Store
T = TypeVar("T")


class AtomicLocalStore(LocalStore):
    """Zarr's local store, with writes that are flushed, published by rename, and fail in one sentence.

    Unlike Zarr's own, reading from a folder that is not there does not make it.
    """

    async def _open(self, *, mode: AccessModeLiteral | None = None) -> None:
        await Store._open(self)

    async def set(self, key: str, value: Buffer) -> None:
        """Make `key` hold `value` whole. Raises ArtifactError when the disk is full or refuses."""
        await asyncio.to_thread(write_bytes_atomic, self.root / key, value.to_bytes())


def open_location(location: Location) -> Store:
    """A folder, a URL such as `s3://bucket/prefix` or `memory://name`, or a Zarr store as it is."""
    if isinstance(location, Store):
        return location
    if isinstance(location, str) and "://" in location:
        return FsspecStore.from_url(location)
    return AtomicLocalStore(Path(location))


class Objects:
    """Blocking reads and writes of whole objects, or byte ranges of them, in one store.

    Every method raises ArtifactError when the store refuses.
    """

    def __init__(self, location: Location) -> None:
        self.store = open_location(location)
        self.name = str(location)

    def get(self, key: str) -> bytes | None:
        """The object's bytes, or None when there is no such object."""
        return self.get_many([(key, None)])[0]

    def get_many(self, requests: Sequence[tuple[str, ByteRequest | None]]) -> list[bytes | None]:
        """Objects, or byte ranges of them, fetched at the same time; None for each that is not there."""

        async def fetch() -> list[bytes | None]:
            prototype = default_buffer_prototype()
            found = await asyncio.gather(*(self.store.get(key, prototype, part) for key, part in requests))
            return [None if data is None else data.to_bytes() for data in found]

        return self._wait("read", fetch())

    def put(self, key: str, data: bytes) -> None:
        """Make `key` hold `data`, whole."""
        self._wait("write", self.store.set(key, default_buffer_prototype().buffer.from_bytes(data)))

    def sizes(self, keys: Iterable[str]) -> list[int | None]:
        """Size in bytes of each object; None for each that is not there."""

        async def size(key: str) -> int | None:
            try:
                return await self.store.getsize(key)
            except FileNotFoundError:
                return None

        async def measure() -> list[int | None]:
            return await asyncio.gather(*(size(key) for key in keys))

        return self._wait("read", measure())

    def names_below(self, prefix: str) -> list[str]:
        """Names of the objects and folders directly below `prefix`, sorted."""

        async def names() -> list[str]:
            return sorted([name async for name in self.store.list_dir(prefix)])

        return self._wait("read", names())

    def delete(self, key: str) -> None:
        """Remove one object, if it is there."""
        self._wait("write", self.store.delete(key))

    def delete_below(self, prefix: str) -> None:
        """Remove every object below `prefix`."""
        self._wait("write", self.store.delete_dir(prefix))

    def _wait(self, action: str, work: Coroutine[Any, Any, T]) -> T:
        try:
            return sync(work)
        except OSError as error:
            raise ArtifactError(
                f"cannot {action} {self.name}: {error}; mend that and run again, finished shards are kept"
            ) from error
