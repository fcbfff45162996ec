"""Masks of chosen annotations, read from COCO's JSON without keeping what it says of others."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cache.index import DatasetIndex
from cache.masks import MaskTable
from ezsd.errors import InputError
from ezsd.masks import is_empty, run_lengths
from pipeline.data.json_rows import load_json
from pipeline.data.sources import DataSource
from pipeline.data.tables import Boxes, Photos
from pipeline.errors import DataError


class Wanted(NamedTuple):
    """The annotation whose mask is wanted: `category_id` is the file's own, `size_hw` its photo's."""

    category_id: int
    size_hw: tuple[int, int]


def read_segmentations(path: Path, wanted: Mapping[int, Wanted]) -> dict[int, bytes]:
    """Compressed run lengths of the wanted annotations, by id; empty masks where there is no segmentation.

    Of an annotation that is not wanted nothing but id and category is looked at.
    Raises DataError when a segmentation cannot be used.
    """
    found = {number: run_lengths([], asked.size_hw) for number, asked in wanted.items()}

    def keep(values: dict[str, Any]) -> dict[str, Any]:
        # each polygon becomes run lengths while the file is read: as Python lists all would need 10 GB
        segmentation, number = values.pop("segmentation", None), _whole(values.get("id"))
        asked = None if number is None else wanted.get(number)
        if number is None or asked is None or values.get("category_id") != asked.category_id:
            return values
        if segmentation is not None:
            found[number] = _run_lengths(path, number, segmentation, asked.size_hw)
        return values

    load_json(path, keep)
    if all(is_empty(found[number], asked.size_hw) for number, asked in wanted.items()):
        raise DataError(
            f"{path} has no segmentation of any box: give annotations with masks, or set prepare.masks to "
            "false and train.mask_head to null"
        )
    return found


def index_masks(source: DataSource, index: DatasetIndex, names: Sequence[str]) -> MaskTable:
    """Masks of all boxes of an index, row for row; `names` are those that its labels mean.

    Raises DataError when the data set has no masks, or one cannot be used.
    """
    boxes, photos = index.boxes, index.photos
    rows = np.repeat(np.arange(len(photos)), np.diff(boxes.offsets))
    wanted = _wanted(source, boxes.annotation_ids, boxes.labels, photos.sizes_wh[rows], names)
    found = read_segmentations(source.annotations, wanted)
    return MaskTable.join([found[number] for number in boxes.annotation_ids.tolist()])


def masks_of(source: DataSource, boxes: Boxes, photos: Photos, names: Sequence[str]) -> dict[int, bytes]:
    """Run lengths of boxes as an annotation file lists them, by annotation id; else as `index_masks`."""
    order = np.argsort(photos.ids)
    rows = order[np.searchsorted(photos.ids, boxes.image_ids, sorter=order)]
    wanted = _wanted(source, boxes.annotation_ids, boxes.labels, photos.sizes_wh[rows], names)
    return read_segmentations(source.annotations, wanted)


def _run_lengths(path: Path, number: int, segmentation: object, size_hw: tuple[int, int]) -> bytes:
    try:
        return run_lengths(segmentation, size_hw)
    except InputError as error:
        raise DataError(f"{path}: annotation {number}: {error}; correct it there") from None


def _whole(value: object) -> int | None:
    if type(value) is float and value.is_integer():
        return int(value)
    return value if type(value) is int else None


def _wanted(
    source: DataSource,
    annotation_ids: np.ndarray,
    labels: np.ndarray,
    sizes_wh: np.ndarray,
    names: Sequence[str],
) -> dict[int, Wanted]:
    if source.format == "voc":
        raise DataError(
            f"{source.annotations} is of format voc, which has no masks: set prepare.masks to false"
        )
    category_ids = {category.name: category.id for category in source.open().categories()}
    rows = zip(annotation_ids.tolist(), labels.tolist(), sizes_wh.tolist(), strict=True)
    return {
        number: Wanted(category_ids[names[label]], (height, width)) for number, label, (width, height) in rows
    }
