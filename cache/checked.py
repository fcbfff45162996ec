"""Read files of an artifact after comparing them with the manifest's checksum, once per process.

Shards have their own checksums and are not read whole. While a stage runs, or after it was interrupted, its
folder has no valid manifest, so its files are not compared.
"""

from pathlib import Path
from typing import Any

from ezsd.cache.atomic import parse_json
from ezsd.cache.contents import Contents
from ezsd.cache.errors import ArtifactError
from ezsd.cache.folders import INCOMPLETE, MANIFEST
from ezsd.cache.manifest import parse_manifest

_Signature = tuple[int, ...]
_intact: set[tuple[str, _Signature, _Signature]] = set()


def require_intact(folder: Path, name: str, fix: str) -> None:
    """Check that a file of an artifact exists and has the bytes recorded in the manifest.

    A file is read once for this: its inode, size and modification time are remembered, and the manifest's.

    Args:
        folder: the artifact's folder.
        name: relative POSIX path; the file may be at the URL of the artifact's shards.
        fix: what to do, such as `run: ezsd-cli precompute --only mine`; it ends the error's sentence.

    Raises:
        ArtifactError: the file is missing or damaged, or the manifest is.
    """
    if (folder / INCOMPLETE).exists() or not (folder / MANIFEST).is_file():
        return
    seen = (name, _signature(folder / name), _signature(folder / MANIFEST))
    if seen in _intact:
        return
    record, contents = parse_manifest(folder / MANIFEST).files.get(name), Contents(folder)
    if record is None or name not in contents.sizes():
        raise ArtifactError(f"{contents.where(name)} is missing; {fix}")
    if contents.checksum(name) != record.sha256:
        raise ArtifactError(f"{contents.where(name)} is damaged: its checksum does not agree; {fix}")
    _intact.add(seen)


def read_checked(path: Path, fix: str) -> bytes:
    """Return the bytes of a file directly in an artifact's folder.

    Raises:
        ArtifactError: as `require_intact`, or the file cannot be read.
    """
    require_intact(path.parent, path.name, fix)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ArtifactError(f"{path} is missing; {fix}") from None
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read ({error.strerror}); {fix}") from None


def read_json(path: Path, fix: str) -> Any:
    """Parse a JSON file directly in an artifact's folder; raises as `read_checked`."""
    try:
        return parse_json(read_checked(path, fix))
    except ValueError as error:
        raise ArtifactError(f"{path} is damaged: it is not valid JSON ({error}); {fix}") from None


def _signature(path: Path) -> _Signature:
    """Changes whenever the file is replaced or written to; empty for a file at a URL."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
