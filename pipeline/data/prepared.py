"""What `prepare` writes for all later stages: the split, the index of checked data, and the quarantine."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ezsd.cache.atomic import write_json_atomic
from ezsd.cache.checked import read_json
from ezsd.cache.errors import ArtifactError
from ezsd.cache.index import BoxTable, DatasetIndex, PhotoTable, read_index, write_index
from ezsd.cache.masks import MaskTable, read_masks, write_masks
from ezsd.errors import InputError
from ezsd.pipeline.data.checks import Quarantined
from ezsd.pipeline.data.tables import Boxes, Photos
from ezsd.pipeline.data.views import TrainingData
from ezsd.pipeline.errors import DataError
from ezsd.split import Split

TRAIN = "train.h5"
VAL = "val.h5"
SPLIT = "split.json"
QUARANTINE = "quarantine.json"
TRAIN_MASKS = "train_masks.h5"

_FIX = "run `ezsd-cli precompute --only prepare --force`"


@dataclass(frozen=True)
class Inspected:
    """Result of decoding N photos.

    Attributes:
        digests: (N, 16) uint8, of the bytes of each file, zeros for one that cannot be read.
        usable: (N,) bool.
        quarantined: why the others are not usable.
    """

    digests: NDArray[np.uint8]
    usable: NDArray[np.bool_]
    quarantined: tuple[Quarantined, ...]


def index_training(
    photos: Photos, seen: Inspected, boxes: Boxes, empty_photos: Literal["keep", "drop"]
) -> DatasetIndex:
    """Return the usable photos with their base boxes, sorted by image id.

    Args:
        photos: all N photos.
        seen: which of them are usable.
        boxes: their clean boxes.
        empty_photos: whether photos without a base box are kept; novel objects make no difference.

    Raises:
        DataError: no box is left.
    """
    usable = seen.usable
    if empty_photos == "drop":
        usable = usable & np.isin(photos.ids, boxes.image_ids)
    table = _photo_table(photos, seen, usable)
    index = DatasetIndex(table, box_table(boxes, table.image_ids))
    if not len(index.boxes):
        raise DataError(
            f"no base box is left in the training data after {len(seen.quarantined)} photos were set aside: "
            f"fix the photos{_first_of(seen)}"
        )
    return index


def index_validation(photos: Photos, seen: Inspected) -> DatasetIndex:
    """Return the usable photos, sorted by image id, without boxes; raises DataError if none is left."""
    table = _photo_table(photos, seen, seen.usable)
    if not len(table):
        raise DataError(f"no validation photo is usable: fix the photos{_first_of(seen)}")
    return DatasetIndex(table, BoxTable.empty(len(table)))


def box_table(boxes: Boxes, image_ids: NDArray[np.int64]) -> BoxTable:
    """Return boxes sorted by photo, then by annotation id; boxes of other photos are left out.

    Args:
        boxes: boxes in any order.
        image_ids: (N,) ids of the photos, ascending.
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


@dataclass(frozen=True)
class Prepared:
    """The folder `artifacts/prepare`; each file is read on first use.

    Each property raises ArtifactError for a missing or damaged file.
    """

    folder: Path

    def __reduce__(self) -> tuple[type["Prepared"], tuple[Path]]:
        """Pickle the folder only, not what was read from it."""
        return Prepared, (self.folder,)

    @cached_property
    def split(self) -> Split:
        """Base and novel names."""
        return read_split(self.folder / SPLIT)

    @cached_property
    def train(self) -> DatasetIndex:
        """Training photos and base boxes; with shots, novel ones too. Labels index `split.labelled`."""
        return read_index(self.folder / TRAIN)

    @cached_property
    def train_masks(self) -> MaskTable:
        """Masks of the boxes of `train`; written only with `prepare.masks`."""
        return read_masks(self.folder / TRAIN_MASKS)

    @cached_property
    def val(self) -> DatasetIndex:
        """Validation photos, without boxes: evaluation alone reads those."""
        return read_index(self.folder / VAL)

    @cached_property
    def quarantine(self) -> tuple[Quarantined, ...]:
        """Photos and boxes that were set aside."""
        entries = read_json(self.folder / QUARANTINE, _FIX)
        try:
            return tuple(Quarantined(**entry) for entry in entries)
        except TypeError:
            raise _damaged(self.folder / QUARANTINE) from None


def write_prepared(
    folder: Path, split: Split, train: DatasetIndex, val: DatasetIndex, quarantine: Sequence[Quarantined]
) -> None:
    """Write the files of the artifact, each atomically."""
    write_json_atomic(folder / SPLIT, split.to_dict())
    write_json_atomic(folder / QUARANTINE, [one.as_json() for one in quarantine])
    write_index(folder / TRAIN, train)
    write_index(folder / VAL, val)


def write_train_masks(folder: Path, masks: MaskTable) -> None:
    """Write the masks of the training boxes, row for row as in the index."""
    write_masks(folder / TRAIN_MASKS, masks)


def counts_of(
    split: Split, train: DatasetIndex, val: DatasetIndex, quarantine: Sequence[Quarantined]
) -> dict[str, int]:
    """Return the numbers of photos and boxes; boxes are those that training sees."""
    base = int((train.boxes.labels < len(split.base)).sum())
    shots = {"novel_boxes": len(train.boxes) - base} if split.shots else {}
    return {
        "train_photos": len(train),
        "val_photos": len(val),
        "base_boxes": base,
        **shots,
        "quarantined_photos": sum(one.what == "photo" for one in quarantine),
        "quarantined_boxes": sum(one.what == "box" for one in quarantine),
    }


def facts_of(training: TrainingData, train: DatasetIndex, clipped: int) -> dict[str, Any]:
    """Return facts of the training data for readers of the manifest; `clipped` boxes were clipped."""
    per_photo = np.diff(train.boxes.offsets)
    split = training.split
    per_name = np.bincount(train.boxes.labels, minlength=len(split.names)).tolist()
    shots = dict(zip(split.novel, per_name[len(split.base) :], strict=True))
    return {
        "split": split.name,
        "base_boxes_by_name": dict(zip(split.base, per_name, strict=False)),
        **({"novel_boxes_by_name": shots} if split.shots else {}),
        "crowd_boxes": int(train.boxes.crowd.sum()),
        "clipped_boxes": clipped,
        "train_photos_listed": len(training.photos),
        "train_photos_without_base_boxes": int((per_photo == 0).sum()),
    }


def read_split(path: Path) -> Split:
    """Read the split that `prepare` wrote; raises ArtifactError if it is missing or damaged."""
    value = read_json(path, _FIX)
    try:
        return Split.from_dict(value)
    except (KeyError, TypeError, InputError):
        raise _damaged(path) from None


def _damaged(path: Path) -> ArtifactError:
    return ArtifactError(f"{path} is damaged; {_FIX}")


def _photo_table(photos: Photos, seen: Inspected, usable: NDArray[np.bool_]) -> PhotoTable:
    rows = np.flatnonzero(usable)
    rows = rows[np.argsort(photos.ids[rows])]
    kept = photos.take(rows)
    return PhotoTable(kept.ids, list(kept.file_names), kept.sizes_wh, seen.digests[rows])


def _first_of(seen: Inspected) -> str:
    if not seen.quarantined:
        return ""
    return f", the first being {seen.quarantined[0].where}: {seen.quarantined[0].reason}"
