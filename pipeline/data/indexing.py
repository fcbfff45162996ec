"""From checked tables to the dataset index."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ezsd.cache.index import BoxTable, DatasetIndex, PhotoTable
from ezsd.pipeline.data.cleaning import Finding
from ezsd.pipeline.data.tables import Boxes, Photos
from ezsd.pipeline.errors import DataError


@dataclass(frozen=True)
class Inspected:
    """What decoding showed: byte_sizes int64 (N,), 0 where absent; usable bool (N,); why others are not."""

    byte_sizes: NDArray[np.int64]
    usable: NDArray[np.bool_]
    findings: tuple[Finding, ...]


def index_training(
    photos: Photos, seen: Inspected, boxes: Boxes, empty_photos: Literal["keep", "drop"]
) -> DatasetIndex:
    """Return the usable photos with their base boxes, sorted by image id.

    A photo is empty when no base box lies in it, whatever novel objects it shows.
    Raises DataError when no box is left.
    """
    usable = seen.usable
    if empty_photos == "drop":
        usable = usable & np.isin(photos.ids, boxes.image_ids)
    table = _photo_table(photos, seen, usable)
    index = DatasetIndex(table, box_table(boxes, table.image_ids))
    if not len(index.boxes):
        raise DataError(
            f"no base box is left in the training data after {len(seen.findings)} photos were set aside: "
            f"mend the photos{_first_of(seen)}"
        )
    return index


def index_validation(photos: Photos, seen: Inspected) -> DatasetIndex:
    """Return the usable photos, sorted by image id, without boxes; raises DataError when none is left."""
    table = _photo_table(photos, seen, seen.usable)
    if not len(table):
        raise DataError(f"no validation photo is usable: mend the photos{_first_of(seen)}")
    return DatasetIndex(table, BoxTable.empty(len(table)))


def box_table(boxes: Boxes, image_ids: NDArray[np.int64]) -> BoxTable:
    """Return the boxes of the photos `image_ids` (N,), photo by photo, then by annotation id.

    `image_ids` must ascend. Boxes of other photos are left out.
    """
    present = boxes.take(np.isin(boxes.image_ids, image_ids))
    rows = np.searchsorted(image_ids, present.image_ids)
    order = np.lexsort((present.annotation_ids, rows))
    ordered = present.take(order)
    return BoxTable(
        offsets=np.searchsorted(rows[order], np.arange(len(image_ids) + 1)).astype(np.int64),
        boxes_xyxy=ordered.boxes_xyxy.astype(np.float32),
        labels=ordered.labels,
        annotation_ids=ordered.annotation_ids,
        areas=ordered.areas.astype(np.float32),
        crowd=ordered.crowd,
    )


def _photo_table(photos: Photos, seen: Inspected, usable: NDArray[np.bool_]) -> PhotoTable:
    rows = np.flatnonzero(usable)
    rows = rows[np.argsort(photos.ids[rows])]
    kept = photos.take(rows)
    return PhotoTable(kept.ids, list(kept.file_names), kept.sizes_wh, seen.byte_sizes[rows])


def _first_of(seen: Inspected) -> str:
    if not seen.findings:
        return ""
    return f", the first being {seen.findings[0].where}: {seen.findings[0].reason}"
