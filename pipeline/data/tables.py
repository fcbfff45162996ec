"""What every annotation format is read into: typed tables in the frame of the original photos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Category:
    """A category of an annotation file; `frequency` is LVIS's `f`, `c` or `r`, else empty."""

    id: int
    name: str
    frequency: str = ""


@dataclass(frozen=True)
class Searched:
    """What an LVIS photo was searched for beside the categories of its boxes; both are category ids.

    absent: not there at all. not_exhaustive: some objects may have no box.
    """

    absent: tuple[int, ...]
    not_exhaustive: tuple[int, ...]


@dataclass(frozen=True)
class Photos:
    """The photos an annotation file lists, in its order.

    ids: int64 (N,). file_names: N names relative to the photo folder. sizes_wh: int32 (N, 2), pixels.
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


@dataclass(frozen=True)
class Boxes:
    """Annotated boxes of chosen categories.

    annotation_ids, image_ids: int64 (M,). labels: int32 (M,), index into the names that were asked for.
    boxes_xyxy: float64 (M, 4), absolute pixels of the original photo, as the file has them.
    areas: float64 (M,), square pixels of the object where the file states it, else of the box.
    crowd: bool (M,), regions that evaluation ignores: COCO's crowds, VOC's difficult objects.
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
        """Return the boxes at `rows`: indices in the order wanted, or a mask (M,)."""
        return Boxes(
            self.annotation_ids[rows],
            self.image_ids[rows],
            self.labels[rows],
            self.boxes_xyxy[rows],
            self.areas[rows],
            self.crowd[rows],
        )

    def objects(self) -> "Boxes":
        """The boxes that hold one object each: without crowd regions."""
        return self.take(~self.crowd)


class AnnotationFile(Protocol):
    """One opened annotation file of any format.

    `boxes` reads nothing of an annotation but its category until that is one of the names asked for: what
    stands in an annotation of another category can neither change the result nor fail it.
    """

    @property
    def path(self) -> Path:
        """The file, for messages."""

    def categories(self) -> tuple[Category, ...]:
        """Return all categories; raises DataError when one is malformed or stands there twice."""

    def photos(self) -> Photos:
        """Return all photos; raises DataError when one is malformed or stands there twice."""

    def boxes(self, names: Sequence[str]) -> Boxes:
        """Return the boxes of `names`; raises DataError when one is malformed."""

    def listed_photos(self) -> Photos:
        """Return all photos as they are listed, perhaps twice; raises DataError when one is malformed."""

    def listed_boxes(self, names: Sequence[str]) -> Boxes:
        """Return the boxes of `names` as they are listed; raises DataError when one is malformed."""

    def searched(self) -> Mapping[int, Searched]:
        """Return what each photo was searched for, by image id; nothing where each was for all categories."""


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
