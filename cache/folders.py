"""List and remove the files of an artifact folder, read-only hard links included."""

import os
from pathlib import Path

from ezsd.cache.errors import ArtifactError

MANIFEST = "manifest.json"
INCOMPLETE = "incomplete.json"
LOCATION = "location.json"
MARKS = (LOCATION, MANIFEST, INCOMPLETE)
"""Files that describe an artifact and are not part of it."""


def artifact_files(folder: Path) -> dict[str, Path]:
    """Return every file below `folder` except its marks, by sorted relative POSIX path; links are files."""
    found = {
        path.relative_to(folder).as_posix(): path
        for parent, _, names in os.walk(folder)
        for path in (Path(parent, name) for name in names)
    }
    return {name: found[name] for name in sorted(found) if name not in MARKS}


def remove_file(path: Path) -> None:
    """Remove a file if it exists, whatever its mode.

    If needed, the folder's mode is changed, never the file's: it may be a hard link into a shared cache.

    Raises:
        ArtifactError: the system refuses.
    """
    try:
        try:
            path.unlink(missing_ok=True)
        except PermissionError:
            path.parent.chmod(path.parent.stat().st_mode | 0o700)
            path.unlink(missing_ok=True)
    except OSError as error:
        raise ArtifactError(f"cannot remove {path}: {error.strerror}; make its folder writable") from error


def wipe(folder: Path) -> None:
    """Remove everything below `folder`, its marks last: after an interrupted wipe it is still recognised."""
    for path in artifact_files(folder).values():
        remove_file(path)
    for parent, folders, _ in os.walk(folder, topdown=False):
        for name in folders:
            _remove_folder(Path(parent, name))
    for name in MARKS:
        remove_file(folder / name)


def remove_folder(folder: Path) -> None:
    """Remove a folder and everything in it, if it exists."""
    if folder.is_dir():
        wipe(folder)
        _remove_folder(folder)


def _remove_folder(path: Path) -> None:
    try:
        path.unlink() if path.is_symlink() else path.rmdir()
    except OSError as error:
        raise ArtifactError(f"cannot remove {path}: {error.strerror}; make its folder writable") from error
