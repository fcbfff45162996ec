"""The files of an artifact: in its folder, and at the URL of its shards if `location.json` names one.

The manifest is the same either way, so `location.json` is not part of the artifact. The URL ends with the
artifact's stage and fingerprint, so shards made from other inputs cannot be mistaken for these.
`location.json` is untrusted: shards are read where it points, but removed only below the run's own stores.
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from ezsd.cache.atomic import parse_json, write_json_atomic
from ezsd.cache.errors import ArtifactError
from ezsd.cache.folders import LOCATION, artifact_files, remove_file

if TYPE_CHECKING:
    from ezsd.cache.objects import Location, Objects

STORE = re.compile(r"[^/]+\.zarr/.+")
"""Names of the files at the URL."""

_OWN_URL = re.compile(r"[a-z][a-z0-9+.-]*://.*/[a-z_]+/[0-9a-f]{64}")


def shards_url(stores: str, stage: str, fingerprint: str) -> str:
    """Return the URL of an artifact's shards below the URL of all stores."""
    return f"{stores.rstrip('/')}/{stage}/{fingerprint}"


def store_location(folder: Path, name: str) -> "Location":
    """Return where the store `name` (`proposals.zarr`) of an artifact is. Raises as `read_location`."""
    url = read_location(folder)
    return folder / name if url is None else f"{url}/{name}"


def read_location(folder: Path) -> str | None:
    """Return the URL of an artifact's shards; None when they are in its folder.

    Raises:
        ArtifactError: `location.json` is damaged, or its URL does not look like one of `shards_url`.
    """
    path = folder / LOCATION
    try:
        url = parse_json(path.read_bytes())["url"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path} is damaged; remove {folder} and make it again") from error
    if not isinstance(url, str) or not _OWN_URL.fullmatch(url):
        raise ArtifactError(f"{path} does not hold a URL of shards: it is foreign; remove it")
    return url


def write_location(folder: Path, url: str) -> None:
    """Record that the shards are at `url`, see `shards_url`."""
    write_json_atomic(folder / LOCATION, {"url": url})


def erase_shards(url: str) -> None:
    """Remove everything at `url`, see `shards_url`. Raises ArtifactError when it cannot be reached."""
    from ezsd.cache.objects import Objects  # Zarr is slow to import, and few artifacts are at a URL

    Objects(url).delete_below("")


PIECE = 8 << 20
"""Bytes of a file held in memory at once; a shard at a URL is read whole."""


class Contents:
    """Access to an artifact's files by relative POSIX name; its marks (`folders.MARKS`) do not count.

    Every method raises ArtifactError when the URL cannot be reached or a file cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._url = folder, read_location(folder)
        self._remote = None if self._url is None else _objects_at(self._url)

    def where(self, name: str) -> str:
        """Return the path or URL of a file, for messages."""
        return str(self._folder / name) if self._at_url(name) is None else f"{self._url}/{name}"

    def sizes(self) -> dict[str, int]:
        """Return the size in bytes of every existing file, sorted by name."""
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
        """Yield the bytes of a file in pieces."""
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
        """Return the SHA-256 (64 hex digits) of a file as it is now."""
        digest = sha256()
        for piece in self.pieces(name):
            digest.update(piece)
        return digest.hexdigest()

    def written_checksums(self) -> dict[str, str]:
        """Return the SHA-256 of every file; for a shard at a URL, of the bytes that were sent."""
        names = list(self.sizes())
        stores = {name.split("/")[0] for name in names if self._at_url(name) is not None}
        known = {
            f"{store}/{key}": digest
            for store in sorted(stores)
            for key, digest in _sent_checksums(f"{self._url}/{store}").items()
        }
        return {name: known.get(name) or self.checksum(name) for name in names}

    def remove(self, name: str) -> None:
        """Remove a file if it exists."""
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


# Zarr is slow to import, and few artifacts are at a URL


def _objects_at(url: str) -> "Objects":
    from ezsd.cache.objects import Objects

    return Objects(url)


def _sent_checksums(store_url: str) -> dict[str, str]:
    from ezsd.cache.sharded import ShardedStore

    return ShardedStore.open(store_url).checksums()
