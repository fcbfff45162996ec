"""A shim between the pipeline and the disk, which asks `Faults` before each request."""

import builtins
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from zarr.storage import FsspecStore

from benchmarks.reliability.requests import Faults, Point
from ezsd.cache.hdf5 import FileSink
from ezsd.cache.objects import AtomicLocalStore

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CALLS = {
    "replace": "rename",
    "rename": "rename",
    "unlink": "remove",
    "remove": "remove",
    "mkdir": "mkdir",
    "rmdir": "remove",
    "truncate": "write",
}
_STORES = (AtomicLocalStore, FsspecStore)
_STORE_CALLS = ("set", "get", "delete", "delete_dir", "getsize")


@contextmanager
def shim(root: Path, faults: Faults) -> Iterator[None]:
    """Within the context, requests for files below the root, and all of stores, go to `faults` first."""
    with_shim = _Shim(f"{root}/", faults)
    bases = FileSink.__bases__
    changes: list[tuple[Any, str, Any]] = [
        *((os, name, with_shim.counted(getattr(os, name), kind)) for name, kind in _CALLS.items()),
        *(
            (store, name, with_shim.awaited(getattr(store, name), f"store.{name}"))
            for store in _STORES
            for name in _STORE_CALLS
        ),
        (os, "open", with_shim.opened_low(os.open)),
        (os, "fsync", with_shim.synced(os.fsync)),
        (builtins, "open", with_shim.opened(io.open)),
        (io, "open", with_shim.opened(io.open)),
    ]
    patches = [patch.object(place, name, new) for place, name, new in changes]
    try:
        for one in patches:
            one.start()
        FileSink.__bases__ = (with_shim.raw_file(),)
        yield
    finally:
        FileSink.__bases__ = bases
        for one in reversed(patches):
            one.stop()


class _Shim:
    """Makes functions that ask `faults` before they do what they did."""

    def __init__(self, root: str, faults: Faults) -> None:
        self._root, self._faults = root, faults

    def ask(self, kind: str, name: str, half: Callable[[], None] = lambda: None) -> bool:
        return self._faults.request(Point(kind, name), half)

    def below(self, path: Any) -> str | None:
        """The path below the root; None for one outside, and for a file that is open already."""
        if isinstance(path, int):
            return None
        whole = os.path.abspath(os.fsdecode(path))
        return whole.removeprefix(self._root) if whole.startswith(self._root) else None

    def counted(self, call: Callable[..., Any], kind: str) -> Callable[..., Any]:
        def counted(path: Any, *others: Any, **options: Any) -> Any:
            name = self.below(path)
            # nothing is asked of the disk for a folder that is there, or a file that is not
            idle = os.path.lexists(path) if kind == "mkdir" else not os.path.lexists(path)
            if name is not None and not idle and options.get("dir_fd") is None:
                self.ask(kind, name)
            return call(path, *others, **options)

        return counted

    def opened(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def opened(file: Any, mode: str = "r", *others: Any, **options: Any) -> Any:
            name = self.below(file)
            if name is None or not set(mode) & set("wxa+"):
                return call(file, mode, *others, **options)
            self.ask("open", name)
            return _File(call(file, mode, *others, **options), self, name)

        return opened

    def opened_low(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def opened(path: Any, flags: int, *others: Any, **options: Any) -> Any:
            if flags & _WRITES and (name := self.below(path)) is not None:
                self.ask("open", name)
            return call(path, flags, *others, **options)

        return opened

    def raw_file(self) -> type[io.FileIO]:
        """A class of files, as HDF5 writes exports through."""
        ask = self.ask

        class Raw(io.FileIO):
            def write(self, data: Any) -> int:
                half = len(data) // 2
                torn = ask("write", str(self.name), lambda: _write_all(super(Raw, self).write, data[:half]))
                _write_all(super().write, data[half:] if torn else data)
                return len(data)

            def truncate(self, size: int | None = None) -> int:
                ask("write", str(self.name))
                return super().truncate(size)

        return Raw

    def synced(self, call: Callable[[Any], None]) -> Callable[[Any], None]:
        def synced(file: Any) -> None:
            self.ask("fsync", "")
            call(file)

        return synced

    def awaited(self, call: Callable[..., Any], kind: str) -> Callable[..., Any]:
        async def awaited(store: Any, key: str, *others: Any, **options: Any) -> Any:
            self.ask(kind, key)
            return await call(store, key, *others, **options)

        return awaited


def _write_all(write: Callable[[Any], int], data: Any) -> None:
    while len(data):
        data = data[write(data) :]


class _File:
    """An open file whose writes and flushes are counted."""

    def __init__(self, file: Any, with_shim: _Shim, name: str) -> None:
        self._file, self._shim, self._name, self._waiting = file, with_shim, name, False

    def write(self, data: Any) -> int:
        half = len(data) // 2
        torn = self._shim.ask("write", self._name, lambda: self._write_through(data[:half]))
        self._waiting = True
        self._file.write(data[half:] if torn else data)
        return len(data)

    def flush(self) -> None:
        if self._waiting:
            self._waiting = False
            self._shim.ask("flush", self._name)
        self._file.flush()

    def close(self) -> None:
        try:
            if not self._file.closed:
                self.flush()
        finally:
            self._file.close()

    def _write_through(self, data: Any) -> None:
        self._file.write(data)
        self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> "_File":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._file)
