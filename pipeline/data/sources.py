"""Where photos and annotations are, and how photo files are read: only below their folder."""

import hashlib
import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from ezsd.errors import InputError
from ezsd.pipeline.data.json_rows import is_unicode
from ezsd.pipeline.data.tables import AnnotationFile
from ezsd.pipeline.errors import DataError
from ezsd.pipeline.params import DataParams

if TYPE_CHECKING:
    from torch import Tensor

Which = Literal["train", "val"]
SETS: tuple[Which, ...] = ("train", "val")

_READERS = {"coco": "CocoFile", "lvis": "LvisFile", "voc": "VocFolder"}
"""Imported when a file is opened: the reader of another format decides no byte (`pipeline/graph.py`)."""

_MAX_FOLDERS = 32
"""Nested folders below the photo folder."""


class PhotoFileError(DataError):
    """A photo cannot be used; `reason` says why without the path of the folder."""

    def __init__(self, file_name: str, root: Path, reason: str) -> None:
        super().__init__(f"photo {file_name} in {root}: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class PhotoFolder:
    """Reads photos by the names in an annotation file, and nothing outside the folder.

    Annotation files are untrusted: a name that leads out, directly or through a link, is refused.

    Attributes:
        root: the folder.
        follow_links: allow links that lead out, for a folder that the pipeline itself filled: DVC may replace
            its files by links into a cache.
    """

    root: Path
    follow_links: bool = False

    def read(self, file_name: str) -> bytes:
        """Return the bytes of a photo.

        Raises:
            PhotoFileError: there is no readable file.
            DataError: the name leads out of the folder.
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

        Raises:
            PhotoFileError: there is no readable file, it is corrupt, or its size is not the declared one.
            DataError: the name leads out of the folder.
        """
        return self.decode_bytes(self.read(file_name), file_name, declared_wh)

    def decode_unchanged(self, file_name: str, declared_wh: tuple[int, int], digest: bytes) -> "Tensor":
        """Return the photo that `prepare` checked; `digest` is of its bytes then.

        Raises:
            PhotoFileError: as `decode`, or the file has other bytes.
            DataError: the name leads out of the folder.
        """
        data = self.read(file_name)
        if photo_digest(data) != digest:
            raise PhotoFileError(
                file_name,
                self.root,
                "it is not the photo that prepare checked: put that one back, correct the folder in the data "
                "section of params, or run `ezsd-cli precompute --only prepare --force`",
            )
        return self.decode_bytes(data, file_name, declared_wh)

    def decode_bytes(self, data: bytes, file_name: str, declared_wh: tuple[int, int]) -> "Tensor":
        """Return a photo as `decode`, from its bytes; `file_name` is for messages."""
        from ezsd.photos import decode_photo  # torch is slow to import, and checking names needs none

        try:
            return decode_photo(data, declared_wh)
        except InputError as error:
            raise PhotoFileError(file_name, self.root, str(error)) from error

    def byte_size(self, file_name: str) -> int | None:
        """Return the size of the file, None without a file; raises DataError like `read`."""
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
                "put the photo itself there, or give the folder that holds it"
            )
        return path


def photo_digest(data: bytes) -> bytes:
    """Return the digest of a photo's bytes that the index holds."""
    from ezsd.cache.index import DIGEST_BYTES  # HDF5 is slow to import, and quick commands need none

    return hashlib.sha256(data).digest()[:DIGEST_BYTES]


def name_problem(file_name: str) -> str | None:
    """Return what makes a file name unusable, or None; the file itself is not accessed."""
    path = PurePosixPath(file_name)
    if path.is_absolute():
        return "the file name is absolute"
    if ".." in path.parts:
        return "the file name leads out of the folder"
    if "\0" in file_name:
        return "the file name holds a zero byte"
    if max(map(len, path.parts), default=0) > 255 or len(path.parts) > _MAX_FOLDERS:
        return "the file name is too long"
    if not is_unicode(file_name):
        return "the file name is not valid Unicode"
    return None


@dataclass(frozen=True)
class DataSource:
    """One set of photos and their annotations.

    Attributes:
        photos: the photo folder.
        annotations: the annotation file; of VOC, the list of photos.
        format: of the annotations.
        drawn: whether the pipeline itself drew the set.
    """

    photos: Path
    annotations: Path
    format: Literal["coco", "lvis", "voc"]
    drawn: bool = False

    def folder(self) -> PhotoFolder:
        """Return the reader of the photos; raises DataError without such a folder."""
        if not os.path.isdir(self.photos):
            raise DataError(
                f"photo folder {self.photos} does not exist: correct its path in the data section of params"
            )
        return PhotoFolder(self.photos, follow_links=self.drawn)

    def open(self) -> AnnotationFile:
        """Return the reader of the annotations; raises DataError for a broken file."""
        reader = import_module(f"ezsd.pipeline.data.{self.format}")
        file: AnnotationFile = getattr(reader, _READERS[self.format])(self.annotations)
        return file


@dataclass(frozen=True)
class DataSources:
    """Training and validation data."""

    train: DataSource
    val: DataSource

    def of(self, which: Which) -> DataSource:
        """Return one of the two."""
        return self.train if which == "train" else self.val


def resolve_sources(data: DataParams, root: Path, prepare_folder: Path) -> DataSources:
    """Return where the data are.

    Args:
        data: the params' section.
        root: the folder of `params.yaml`, to which paths are relative.
        prepare_folder: the output of `prepare`, where the embedded world is drawn.
    """
    if data.format == "world" or data.world is not None:
        train, val = (_drawn(data.format, which, prepare_folder / "world") for which in SETS)
        return DataSources(train, val)
    train = DataSource(root / str(data.train_photos), root / str(data.train_annotations), data.format)
    val = DataSource(root / str(data.val_photos), root / str(data.val_annotations), data.format)
    return DataSources(train, val)


def _drawn(form: str, which: Which, world: Path) -> DataSource:
    if form == "lvis":  # which has one photo folder for both sets
        return DataSource(world, world / "annotations" / f"lvis_v1_{which}.json", "lvis", drawn=True)
    return DataSource(world / which, world / "annotations" / f"instances_{which}.json", "coco", drawn=True)
