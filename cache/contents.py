"""The files of an artifact, wherever they lie: those in its folder, and its shards at a URL."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from ezsd.cache.errors import ArtifactError
from ezsd.cache.folders import artifact_files, remove_file
from ezsd.cache.location import STORE, read_location

if TYPE_CHECKING:
    from ezsd.cache.objects import Objects

PIECE = 8 << 20
"""Bytes of a file that are in memory at once; a shard at a URL comes whole."""


class Contents:
    """Looks at an artifact's files by their relative POSIX names; its marks are no part of them.

    Every method raises ArtifactError when the URL cannot be reached or a file cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._url = folder, read_location(folder)
        self._remote = None if self._url is None else _objects_at(self._url)

    def where(self, name: str) -> str:
        """Path or URL of a file, for people."""
        return str(self._folder / name) if self._at_url(name) is None else f"{self._url}/{name}"

    def sizes(self) -> dict[str, int]:
        """Size in bytes of every file that is there, in the order of names."""
        sizes = {}
        for name, path in artifact_files(self._folder).items():
            try:
                sizes[name] = path.stat().st_size
            except OSError:
                continue  # a link that leads nowhere
        if self._remote is not None:
            sizes |= {name: size for name, size in self._remote.listing().items() if STORE.fullmatch(name)}
        return dict(sorted(sizes.items()))

    def pieces(self, name: str) -> Iterator[bytes | memoryview]:
        """The bytes of a file, one piece after the other."""
        remote = self._at_url(name)
        if remote is not None:
            yield self._whole(remote, name)
            return
        try:
            with (self._folder / name).open("rb") as file:
                while piece := file.read(PIECE):
                    yield piece
        except OSError as error:
            raise ArtifactError(f"{self.where(name)} cannot be read: {error.strerror}") from error

    def checksum(self, name: str) -> str:
        """SHA-256, 64 hex digits, of the bytes that are there now."""
        digest = sha256()
        for piece in self.pieces(name):
            digest.update(piece)
        return digest.hexdigest()

    def written_checksums(self) -> dict[str, str]:
        """SHA-256 of every file; of a shard at a URL, that of the bytes that were sent there."""
        names = list(self.sizes())
        stores = {name.split("/")[0] for name in names if self._at_url(name) is not None}
        known = {
            f"{store}/{key}": digest
            for store in sorted(stores)
            for key, digest in _sent_checksums(f"{self._url}/{store}").items()
        }
        return {name: known.get(name) or self.checksum(name) for name in names}

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        remote = self._at_url(name)
        if remote is None:
            remove_file(self._folder / name)
        else:
            remote.delete(name)

    def _at_url(self, name: str) -> "Objects | None":
        return self._remote if STORE.fullmatch(name) else None

    def _whole(self, remote: "Objects", name: str) -> memoryview:
        (data,) = remote.get_many([(name, None)])
        if data is None:
            raise ArtifactError(f"{self.where(name)} is missing")
        return data


# Zarr is slow to import, and few artifacts lie at a URL


def _objects_at(url: str) -> "Objects":
    from ezsd.cache.objects import Objects

    return Objects(url)


def _sent_checksums(store_url: str) -> dict[str, str]:
    from ezsd.cache.sharded import ShardedStore

    return ShardedStore.open(store_url).checksums()
