"""Photo files, reached only below their folder."""

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ezsd.errors import InputError
from ezsd.pipeline.data.json_rows import is_unicode
from ezsd.pipeline.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

MOST_FOLDERS = 32
"""In each other, below the folder of the photos."""


@dataclass(frozen=True)
class PhotoFolder:
    """Reads photos by the names that an annotation file gives them, and nothing outside the folder.

    An annotation file is someone else's: a name that leads out of the folder, by itself or through a link,
    is refused. `follow_links` lifts the second for folders that the pipeline itself filled: DVC may have
    replaced their files by links into its cache.
    """

    root: Path
    follow_links: bool = False

    def read(self, file_name: str) -> bytes:
        """Return the bytes of a photo.

        Raises PhotoFileError when there is no readable file, DataError when the name leads out of the folder.
        """
        path = self._locate(file_name)
        try:
            return path.read_bytes()
        except OSError as error:
            raise PhotoFileError(
                file_name, self.root, f"the file cannot be read ({error.strerror})"
            ) from None

    def decode(self, file_name: str, declared_wh: tuple[int, int]) -> "Tensor":
        """Return a photo as uint8 RGB (3, H, W) in the frame of its annotations.

        Raises PhotoFileError as `read` does, and when the photo is corrupt or of another size than declared.
        """
        from ezsd.photos import decode_photo  # torch is slow to import, and checking names needs none

        try:
            return decode_photo(self.read(file_name), declared_wh)
        except InputError as error:
            raise PhotoFileError(file_name, self.root, str(error)) from error

    def byte_size(self, file_name: str) -> int | None:
        """Return the size of the file, None when there is none; raises DataError as `read` does."""
        try:
            return self._locate(file_name).stat().st_size
        except PhotoFileError:
            return None

    def _locate(self, file_name: str) -> Path:
        if problem := name_problem(file_name):
            raise DataError(f"photo {file_name!r}: {problem}; name it relative to {self.root}")
        path = self.root / file_name
        if not os.path.isfile(path):  # Path.is_file raises for a path that is too long
            raise PhotoFileError(
                file_name, self.root, "there is no such file; add it or remove its annotations"
            )
        if not self.follow_links and not path.resolve().is_relative_to(self.root.resolve()):
            raise DataError(
                f"photo {file_name} in {self.root} is a link that leads out of the folder: "
                "put the photo itself there, or give the folder where it lies"
            )
        return path


class PhotoFileError(DataError):
    """One photo cannot be used; `reason` says why without saying where the folder lies."""

    def __init__(self, file_name: str, root: Path, reason: str) -> None:
        super().__init__(f"photo {file_name} in {root}: {reason}")
        self.reason = reason


def name_problem(file_name: str) -> str | None:
    """Return what makes a file name unusable, or None; looks at the name alone."""
    path = PurePosixPath(file_name)
    if path.is_absolute():
        return "the file name is absolute"
    if ".." in path.parts:
        return "the file name leads out of the folder"
    if "\0" in file_name:
        return "the file name holds a zero byte"
    if max(map(len, path.parts), default=0) > 255 or len(path.parts) > MOST_FOLDERS:
        return "the file name is too long"
    if not is_unicode(file_name):
        return "the file name is not valid Unicode"
    return None
