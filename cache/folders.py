"""Listing and removing the files of an artifact folder, read-only hard links included."""

import os
from pathlib import Path

from ezsd.cache.errors import ArtifactError

MANIFEST = "manifest.json"
INCOMPLETE = "incomplete.json"
LOCATION = "location.json"
MARKS = (LOCATION, MANIFEST, INCOMPLETE)
"""What tells of an artifact and is no part of it."""


def artifact_files(folder: Path) -> dict[str, Path]:
    """Every file below `folder` but its marks, by relative POSIX path, sorted; links count as files."""
    found = {
        path.relative_to(folder).as_posix(): path
        for parent, _, names in os.walk(folder)
        for path in (Path(parent, name) for name in names)
    }
    return {name: found[name] for name in sorted(found) if name not in MARKS}


def remove_file(path: Path) -> None:
    """Remove a file if it is there, whatever its mode.

    Only the folder's mode matters for that and only it is changed: the file may be a hard link whose mode a
    shared cache relies on. Raises ArtifactError when the system refuses.
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
    """Remove all below `folder`, its marks at the end: after a wipe cut short it is still known as ours."""
    for path in artifact_files(folder).values():
        remove_file(path)
    for parent, folders, _ in os.walk(folder, topdown=False):
        for name in folders:
            _remove_folder(Path(parent, name))
    for name in MARKS:
        remove_file(folder / name)


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that is in it, if it is there."""
    if folder.is_dir():
        wipe(folder)
        _remove_folder(folder)


def _remove_folder(path: Path) -> None:
    try:
        path.unlink() if path.is_symlink() else path.rmdir()
    except OSError as error:
        raise ArtifactError(f"cannot remove {path}: {error.strerror}; make its folder writable") from error
