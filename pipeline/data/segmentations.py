"""Masks of chosen annotations, read from COCO's JSON; other annotations' masks are not kept."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ezsd.cache.index import DatasetIndex
from ezsd.cache.masks import MaskTable
from ezsd.errors import InputError
from ezsd.masks import is_empty, run_lengths
from ezsd.pipeline.data.json_rows import load_json
from ezsd.pipeline.data.sources import DataSource
from ezsd.pipeline.data.tables import Boxes, Photos
from ezsd.pipeline.errors import DataError


class Wanted(NamedTuple):
    """An annotation whose mask is wanted.

    Attributes:
        category_id: the file's own.
        size_hw: height and width of its photo in pixels.
    """

    category_id: int
    size_hw: tuple[int, int]


def index_masks(masks: Mapping[int, bytes], index: DatasetIndex) -> MaskTable:
    """Return the masks of all boxes of an index, row for row; `masks` as from `masks_of`."""
    return MaskTable.join([masks[number] for number in index.boxes.annotation_ids.tolist()])


def masks_of(source: DataSource, boxes: Boxes, photos: Photos, names: Sequence[str]) -> dict[int, bytes]:
    """Return compressed run lengths by annotation id; the mask is empty if there is no segmentation.

    Args:
        source: the data set.
        boxes: the boxes whose masks are wanted.
        photos: their photos.
        names: the names that the labels index.

    Raises:
        DataError: the data set has no masks, or one cannot be used.
    """
    path, wanted = source.annotations, _wanted(source, boxes, photos, names)
    empty = {size_hw: run_lengths([], size_hw) for size_hw in {one.size_hw for one in wanted.values()}}
    found = {number: empty[one.size_hw] for number, one in wanted.items()}
    found |= _collect(path, wanted, partial(_run_lengths, path))
    if all(is_empty(found[number], one.size_hw) for number, one in wanted.items()):
        raise DataError(
            f"{path} has no segmentation of any box: give annotations with masks, or set prepare.masks to "
            "false and train.detector.mask_head to null"
        )
    return found


def segmentation_digests(
    source: DataSource, boxes: Boxes, photos: Photos, names: Sequence[str]
) -> dict[int, bytes]:
    """Return SHA-256 of each box's segmentation as the file states it, by annotation id.

    Much faster than `masks_of`, since masks are not checked. Arguments as there.
    """
    return _collect(source.annotations, _wanted(source, boxes, photos, names), _digest)


Convert = Callable[[int, object, tuple[int, int]], bytes]
"""From annotation id, segmentation, and height and width of the photo to what is kept."""


def _collect(path: Path, wanted: Mapping[int, Wanted], convert: Convert) -> dict[int, bytes]:
    """Convert the segmentations of the wanted annotations, by id; of others only id and category are read."""
    found: dict[int, bytes] = {}

    def keep(values: dict[str, Any]) -> dict[str, Any]:
        # each polygon is converted while the file is read: as Python lists, all would need 10 GB
        segmentation, number = values.pop("segmentation", None), _whole(values.get("id"))
        asked = None if number is None else wanted.get(number)
        if number is None or asked is None or values.get("category_id") != asked.category_id:
            return values
        if segmentation is not None:
            found[number] = convert(number, segmentation, asked.size_hw)
        return values

    load_json(path, keep)
    return found


def _digest(number: int, segmentation: object, size_hw: tuple[int, int]) -> bytes:
    return hashlib.sha256(json.dumps(segmentation, sort_keys=True).encode()).digest()


def _run_lengths(path: Path, number: int, segmentation: object, size_hw: tuple[int, int]) -> bytes:
    try:
        return run_lengths(segmentation, size_hw)
    except InputError as error:
        raise DataError(f"{path}: annotation {number}: {error}; correct it there") from None


def _whole(value: object) -> int | None:
    if type(value) is float and value.is_integer():
        return int(value)
    return value if type(value) is int else None


def _wanted(source: DataSource, boxes: Boxes, photos: Photos, names: Sequence[str]) -> dict[int, Wanted]:
    if source.format == "voc":
        raise DataError(
            f"{source.annotations} is of format voc, which has no masks: set prepare.masks to false"
        )
    category_ids = {category.name: category.id for category in source.open().categories()}
    sizes_wh = photos.sizes_of(boxes.image_ids).tolist()
    rows = zip(boxes.annotation_ids.tolist(), boxes.labels.tolist(), sizes_wh, strict=True)
    return {
        number: Wanted(category_ids[names[label]], (height, width)) for number, label, (width, height) in rows
    }
