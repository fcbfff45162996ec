"""Files of an artifact that are read whole: compared with the manifest's checksum first, once a process.

Shards have checksums of their own and are not read whole. As long as a stage is at work, or was interrupted,
its folder has no manifest that counts: what it reads back of its own cannot be compared with anything here.
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
    """Refuse a file of an artifact that is missing, or whose bytes are not those of the manifest.

    A file is read for this once: its inode, size and time of change are remembered, and the manifest's.
    name: relative POSIX path; the file may lie at the URL of the artifact's shards.
    fix: what to do, as `run: ezsd-cli precompute --only mine`; it ends the sentence.
    Raises ArtifactError, also for a damaged manifest.
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
    """The bytes of a file that lies directly in an artifact's folder.

    Raises ArtifactError as `require_intact`, and when the file cannot be read.
    """
    require_intact(path.parent, path.name, fix)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ArtifactError(f"{path} is missing; {fix}") from None
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read ({error.strerror}); {fix}") from None


def read_json(path: Path, fix: str) -> Any:
    """The value of a JSON file that lies directly in an artifact's folder. Raises as `read_checked`."""
    try:
        return parse_json(read_checked(path, fix))
    except ValueError as error:
        raise ArtifactError(f"{path} is damaged: it is no JSON of ours ({error}); {fix}") from None


def _signature(path: Path) -> _Signature:
    """Changes whenever the file is replaced or written to; empty for what lies at a URL."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
