"""The tables that every annotation format is read into; boxes are in the frame of the original photos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Category:
    """A category of an annotation file.

    Attributes:
        id: the file's own.
        name: the file's own.
        frequency: LVIS's `f`, `c` or `r`; empty in other formats.
    """

    id: int
    name: str
    frequency: str = ""


@dataclass(frozen=True)
class Searched:
    """What an LVIS photo was searched for, other than the categories of its boxes.

    Attributes:
        absent: ids of categories of which it shows nothing.
        not_exhaustive: ids of categories of which some objects may have no box.
    """

    absent: tuple[int, ...]
    not_exhaustive: tuple[int, ...]


@dataclass(frozen=True)
class Photos:
    """The photos of an annotation file, in its order.

    Attributes:
        ids: (N,) int64.
        file_names: N names relative to the photo folder.
        sizes_wh: (N, 2) int32, width and height in pixels.
    """

    ids: NDArray[np.int64]
    file_names: tuple[str, ...]
    sizes_wh: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: NDArray[np.integer]) -> "Photos":
        """Return the photos at `rows` (K,), in that order."""
        names = tuple(self.file_names[row] for row in rows)
        return Photos(self.ids[rows], names, self.sizes_wh[rows])

    def sizes_of(self, image_ids: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return width and height of the photos `image_ids` (M,), which must all be listed: (M, 2)."""
        order = np.argsort(self.ids)
        return self.sizes_wh[order[np.searchsorted(self.ids, image_ids, sorter=order)]]


@dataclass(frozen=True)
class Boxes:
    """Annotated boxes of chosen names.

    Attributes:
        annotation_ids: (M,) int64.
        image_ids: (M,) int64.
        labels: (M,) int32, index into the names.
        boxes_xyxy: (M, 4) float64, pixels of the original photo, as the file has them.
        areas: (M,) float64, square pixels of the object if the file states them, else of the box.
        crowd: (M,) bool, regions that evaluation ignores: COCO's crowds, VOC's difficult objects.
    """

    annotation_ids: NDArray[np.int64]
    image_ids: NDArray[np.int64]
    labels: NDArray[np.int32]
    boxes_xyxy: NDArray[np.float64]
    areas: NDArray[np.float64]
    crowd: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.annotation_ids)

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> "Boxes":
        """Return the boxes at `rows`: indices in any order, or a mask (M,)."""
        return Boxes(
            self.annotation_ids[rows],
            self.image_ids[rows],
            self.labels[rows],
            self.boxes_xyxy[rows],
            self.areas[rows],
            self.crowd[rows],
        )

    def objects(self) -> "Boxes":
        """Return the boxes of one object each, without crowd regions."""
        return self.take(~self.crowd)


class AnnotationFile(Protocol):
    """Reader of an annotation file; each format has one.

    Of annotations of other names, `boxes` reads the category alone: the rest of them can neither change the
    result nor raise an error.
    """

    @property
    def path(self) -> Path:
        """The file, for messages."""

    def categories(self) -> tuple[Category, ...]:
        """Return all categories; raises DataError if one is malformed or listed twice."""

    def photos(self) -> Photos:
        """Return all photos as listed, repeated ones too; raises DataError if one is malformed."""

    def boxes(self, names: Sequence[str]) -> Boxes:
        """Return the boxes of `names` as listed, repeated ids too; raises DataError if one is malformed."""

    def searched(self) -> Mapping[int, Searched]:
        """Return what each photo was searched for, by image id; empty if each was for all categories."""


def boxes_from_rows(rows: Sequence[tuple[int, int, int, tuple[float, ...], float, bool]]) -> Boxes:
    """Make a table of `(annotation id, image id, label, box_xyxy, area, crowd)` rows."""
    annotation_ids, image_ids, labels, boxes_xyxy, areas, crowd = (
        zip(*rows, strict=True) if rows else ((),) * 6
    )
    return Boxes(
        np.array(annotation_ids, dtype=np.int64),
        np.array(image_ids, dtype=np.int64),
        np.array(labels, dtype=np.int32),
        np.array(boxes_xyxy, dtype=np.float64).reshape(-1, 4),
        np.array(areas, dtype=np.float64),
        np.array(crowd, dtype=np.bool_),
    )


def photos_from_rows(rows: Sequence[tuple[int, str, int, int]]) -> Photos:
    """Make a table of `(image id, file name, width, height)` rows."""
    ids, names, widths, heights = zip(*rows, strict=True) if rows else ((),) * 4
    sizes_wh = np.array([widths, heights], dtype=np.int32).reshape(2, -1).T
    return Photos(np.array(ids, dtype=np.int64), tuple(names), np.ascontiguousarray(sizes_wh))
