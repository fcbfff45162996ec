"""Findings in the data that `prepare` has checked; no novel annotation is read for them."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ezsd.cache.index import PhotoTable
from ezsd.pipeline.data.tables import Boxes, Photos
from ezsd.pipeline.findings.finding import Finding

ENOUGH = 20
"""Boxes from which on shares of them are looked at."""

CORNERS, AT_FAR_BORDER = 0.99, 0.5
"""Fractions of the boxes: width > x and height > y, and a reach to the right or lower border, at the least.

Corners x1, y1 that are read as width and height give the first for all boxes, and the second for all objects
but those in the upper left quarter. No usual data set has both: large boxes give the first alone.
"""

BEYOND = 0.05
"""Fraction of boxes that stick out of their photo; careful annotations have far fewer, by rounding."""

AREAS, DISAGREE = (0.1, 1.1), 0.1
"""Usual range of the object's area over its box's, and fraction of boxes outside it.

A mask lies within its box. In COCO, a few in a hundred objects fill less than a tenth of theirs.
"""

SAME_SETS = 0.5
"""Fraction of the validation photos that are training photos too, from which on both sets are the same."""

_PIXEL = 1.0
"""Pixels that rounding may put a box beyond its photo, or keep it from the border."""

_FIX_BOXES = (
    "give boxes as x, y, width, height in pixels of the photos, and look at them with `ezsd-cli data check`"
)
_FIX_PHOTOS = "take them out of the training set or out of the validation set"


def box_findings(boxes: Boxes, photos: Photos) -> Iterator[Finding]:
    """Yield what looks wrong with boxes as the file has them, before they are clipped."""
    objects = boxes.take(~boxes.crowd & np.isfinite(boxes.boxes_xyxy).all(axis=1))
    if len(objects) < ENOUGH:
        return
    yield from _corners(objects, photos)
    sizes_wh = photos.sizes_of(objects.image_ids)
    beyond = (objects.boxes_xyxy[:, :2] < -_PIXEL) | (objects.boxes_xyxy[:, 2:] > sizes_wh + _PIXEL)
    share = float(beyond.any(axis=1).mean())
    if share > BEYOND:
        yield Finding(
            "boxes-beyond", "fraction of boxes that stick out of their photo", share, BEYOND, _FIX_BOXES
        )
    share = _disagreeing_areas(objects)
    if share > DISAGREE:
        what = "fraction of boxes whose area is not the file's"
        yield Finding("areas-disagree", what, share, DISAGREE, _FIX_BOXES)


def name_findings(boxes_by_name: Mapping[str, int]) -> Iterator[Finding]:
    """Yield a finding if base names have no box; the mapping is from base names to their boxes."""
    without = [name for name, boxes in boxes_by_name.items() if not boxes]
    if without:
        what = f"base names without a training box ({', '.join(without[:3])}{', ...' if without[3:] else ''})"
        fix = "add boxes, or leave the names out of data.split: they cannot be learned"
        yield Finding("names-without-boxes", what, len(without), 0, fix)


def photo_findings(train: PhotoTable, val: PhotoTable) -> Iterator[Finding]:
    """Yield a finding if validation photos are training photos, byte for byte."""
    known = {digest.tobytes() for digest in train.digests}
    shared = [name for name, one in zip(val.file_names, val.digests, strict=True) if one.tobytes() in known]
    if not shared:
        return
    share = len(shared) / len(val)
    what = f"fraction of validation photos that are training photos, such as {shared[0]},"
    if share >= SAME_SETS:
        yield Finding("same-photos", what, share, SAME_SETS, _FIX_PHOTOS)
    else:
        yield Finding("shared-photos", what, share, 0.0, _FIX_PHOTOS)


def _corners(objects: Boxes, photos: Photos) -> Iterator[Finding]:
    """Compare how boxes lie if they are right, and if their corners were read as width and height."""
    inner = objects.take(objects.boxes_xyxy[:, :2].min(axis=1) > _PIXEL)
    if len(inner) < ENOUGH:
        return
    starts, ends = inner.boxes_xyxy[:, :2], inner.boxes_xyxy[:, 2:]
    share = float((ends - starts > starts).all(axis=1).mean())
    reach = float((ends > photos.sizes_of(inner.image_ids) - _PIXEL).any(axis=1).mean())
    if share >= CORNERS and reach >= AT_FAR_BORDER:
        what = "boxes look like x0, y0, x1, y1: fraction that reaches the right or lower border"
        yield Finding("boxes-as-corners", what, reach, AT_FAR_BORDER, _FIX_BOXES)


def _disagreeing_areas(objects: Boxes) -> float:
    """Fraction of the boxes whose stated area does not suit them; 0 if the file states none."""
    areas: NDArray[np.float64] = (objects.boxes_xyxy[:, 2:] - objects.boxes_xyxy[:, :2]).prod(axis=1)
    stated = (areas > 0) & np.isfinite(objects.areas) & (objects.areas > 0)
    ratios = objects.areas[stated] / areas[stated]
    low, high = AREAS
    return float(((ratios < low) | (ratios > high)).mean()) if len(ratios) else 0.0
