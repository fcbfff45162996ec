"""The dataset index: checked photos and boxes, written by `prepare` and read by every later stage."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from ezsd.cache.errors import ArtifactError
from ezsd.cache.hdf5 import Hdf5Writer, open_hdf5

_KIND = "dataset index"

DIGEST_BYTES = 16
"""Bytes of a photo's SHA-256 that are kept: enough to tell all photos apart."""


@dataclass(frozen=True)
class PhotoTable:
    """N photos, sorted by image id.

    Attributes:
        image_ids: int64 (N,), as in the annotation file.
        file_names: N paths relative to the photo root.
        sizes_wh: int32 (N, 2), width and height in px as declared, upright.
        digests: uint8 (N, 16), of the bytes of the files, see `DIGEST_BYTES`.
    """

    image_ids: np.ndarray
    file_names: Sequence[str]
    sizes_wh: np.ndarray
    digests: np.ndarray

    def __len__(self) -> int:
        return len(self.image_ids)


@dataclass(frozen=True)
class PhotoBoxes:
    """The M boxes of one photo; fields as in `BoxTable`, rows ordered by annotation id."""

    boxes_xyxy: np.ndarray
    labels: np.ndarray
    annotation_ids: np.ndarray
    areas: np.ndarray
    crowd: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class BoxTable:
    """M boxes of N photos; those of photo i are rows offsets[i] to offsets[i + 1], ordered by annotation id.

    Attributes:
        offsets: int64 (N + 1,).
        boxes_xyxy: float32 (M, 4), absolute px in the original photo.
        labels: int32 (M,), index into the split's base names.
        annotation_ids: int64 (M,), unique.
        areas: float32 (M,), px squared, as annotated.
        crowd: bool (M,).
    """

    offsets: np.ndarray
    boxes_xyxy: np.ndarray
    labels: np.ndarray
    annotation_ids: np.ndarray
    areas: np.ndarray
    crowd: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @staticmethod
    def empty(photos: int) -> "BoxTable":
        """Return a table without boxes for `photos` photos."""
        return BoxTable(
            offsets=np.zeros(photos + 1, np.int64),
            boxes_xyxy=np.zeros((0, 4), np.float32),
            labels=np.zeros(0, np.int32),
            annotation_ids=np.zeros(0, np.int64),
            areas=np.zeros(0, np.float32),
            crowd=np.zeros(0, bool),
        )


@dataclass(frozen=True)
class DatasetIndex:
    """Photos and their boxes, row for row."""

    photos: PhotoTable
    boxes: BoxTable

    def __len__(self) -> int:
        return len(self.photos)

    def object_places(self, photo: int) -> np.ndarray:
        """Return int64 (M,): rows of `boxes` of the photo in row `photo`, crowd regions excluded."""
        start, stop = self.boxes.offsets[photo : photo + 2]
        return np.flatnonzero(~self.boxes.crowd[start:stop]) + start

    def objects_of(self, photo: int) -> PhotoBoxes:
        """Return copies of the boxes of the photo in row `photo`, crowd regions excluded."""
        places = self.object_places(photo)
        return PhotoBoxes(
            **{field.name: getattr(self.boxes, field.name)[places] for field in fields(PhotoBoxes)}
        )

    def rows_with_objects(self) -> np.ndarray:
        """Return int64, ascending: rows of photos with a box that is not a crowd region."""
        row_of_box = np.repeat(np.arange(len(self)), np.diff(self.boxes.offsets))
        return np.unique(row_of_box[~self.boxes.crowd])

    def most_objects(self) -> int:
        """Return the largest number of objects in a photo; at least 1."""
        return max([1, *(len(self.object_places(row)) for row in range(len(self)))])

    def boxes_of(self, photo: int) -> PhotoBoxes:
        """Return views of the boxes of the photo in row `photo`, crowd regions included."""
        rows = slice(int(self.boxes.offsets[photo]), int(self.boxes.offsets[photo + 1]))
        return PhotoBoxes(
            **{field.name: getattr(self.boxes, field.name)[rows] for field in fields(PhotoBoxes)}
        )


def write_index(path: Path, index: DatasetIndex) -> None:
    """Write the index as one HDF5 file, the same bytes for the same content.

    Raises:
        ArtifactError: a table does not fit its description, or the disk is full or refuses.
    """
    _check_photos(index.photos)
    _check_boxes(index.boxes, len(index.photos))
    writer = Hdf5Writer(_KIND)
    writer.put_texts("photos/file_names", index.photos.file_names)
    for name in ("image_ids", "sizes_wh", "digests"):
        writer.put(f"photos/{name}", getattr(index.photos, name))
    for field in fields(BoxTable):
        writer.put(f"boxes/{field.name}", getattr(index.boxes, field.name))
    writer.publish(path)


def read_index(path: Path) -> DatasetIndex:
    """Read what `write_index` wrote. Raises ArtifactError when it is missing, damaged or foreign."""
    with open_hdf5(path, _KIND) as reader:
        photos = PhotoTable(
            image_ids=reader.get("photos/image_ids"),
            file_names=reader.get_texts("photos/file_names"),
            sizes_wh=reader.get("photos/sizes_wh"),
            digests=reader.get("photos/digests"),
        )
        boxes = BoxTable(**{field.name: reader.get(f"boxes/{field.name}") for field in fields(BoxTable)})
        _check_photos(photos)
        _check_boxes(boxes, len(photos))
        return DatasetIndex(photos, boxes)


def _check_photos(photos: PhotoTable) -> None:
    count = len(photos.image_ids)
    _check_array("image_ids", photos.image_ids, (count,), np.int64)
    _check_array("sizes_wh", photos.sizes_wh, (count, 2), np.int32)
    _check_array("digests", photos.digests, (count, DIGEST_BYTES), np.uint8)
    if len(photos.file_names) != count:
        raise ArtifactError(f"{count} image ids came with {len(photos.file_names)} file names; give one each")
    unsorted = np.flatnonzero(np.diff(photos.image_ids) <= 0)
    if len(unsorted):
        raise ArtifactError(
            f"image id {photos.image_ids[unsorted[0] + 1]} comes twice or out of order; sort by image id"
        )


def _check_boxes(boxes: BoxTable, photos: int) -> None:
    count = len(boxes.labels)
    _check_array("offsets", boxes.offsets, (photos + 1,), np.int64)
    _check_array("boxes_xyxy", boxes.boxes_xyxy, (count, 4), np.float32)
    _check_array("labels", boxes.labels, (count,), np.int32)
    _check_array("annotation_ids", boxes.annotation_ids, (count,), np.int64)
    _check_array("areas", boxes.areas, (count,), np.float32)
    _check_array("crowd", boxes.crowd, (count,), np.bool_)
    offsets = boxes.offsets
    if offsets[0] != 0 or offsets[-1] != count or (np.diff(offsets) < 0).any():
        raise ArtifactError(f"box offsets must rise from 0 to the {count} boxes")
    if count and boxes.labels.min() < 0:
        raise ArtifactError("a box has a negative label; labels index the base names")
    within_photo = np.diff(np.repeat(np.arange(photos), np.diff(offsets))) == 0
    if (np.diff(boxes.annotation_ids)[within_photo] <= 0).any():
        raise ArtifactError("a photo's boxes must be ordered by annotation id, each id once")


def _check_array(name: str, array: np.ndarray, shape: tuple[int, ...], dtype: type) -> None:
    if array.shape != shape or array.dtype != dtype:
        raise ArtifactError(f"{name} must be {np.dtype(dtype)} {shape}, but {array.dtype} {array.shape} came")
