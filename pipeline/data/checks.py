"""Check annotations: refuse a file that is inconsistent, set aside single boxes, clip boxes to their photos.

Each refusal is one sentence with the file, the id and how to fix it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ezsd.pipeline.data.sources import name_problem
from ezsd.pipeline.data.tables import AnnotationFile, Boxes, Category, Photos
from ezsd.pipeline.errors import DataError

Key = TypeVar("Key", int, str)


def read_photos(file: AnnotationFile) -> Photos:
    """Return the photos of a file; raises DataError if one is malformed or `check_photos` refuses them."""
    photos = file.photos()
    check_photos(photos, file.path)
    return photos


def read_boxes(file: AnnotationFile, names: Sequence[str]) -> Boxes:
    """Return the boxes of `names`; raises DataError if one is malformed or two share an id."""
    boxes = file.boxes(names)
    check_annotation_ids(boxes, file.path)
    return boxes


def check_categories(categories: Sequence[Category], path: Path) -> None:
    """Refuse two categories with the same id or name."""
    if repeated := _repeated(category.id for category in categories):
        raise DataError(f"{path}: category id {repeated[0]} occurs twice; give each category its own id")
    if repeated_names := _repeated(category.name for category in categories):
        raise DataError(f"{path}: two categories are named {repeated_names[0]!r}; merge or rename one")


def check_photos(photos: Photos, path: Path) -> None:
    """Refuse an empty list, two images with the same id or file, and file names outside the folder."""
    if not len(photos):
        raise DataError(f"{path} lists no image; give an annotation file with photos")
    if repeated := _repeated(photos.ids.tolist()):
        raise DataError(f"{path}: image id {repeated[0]} occurs twice; give each image its own id")
    if repeated_names := _repeated(photos.file_names):
        name = repeated_names[0]
        first, second = [photos.ids[row] for row, other in enumerate(photos.file_names) if other == name][:2]
        raise DataError(f"{path}: images {first} and {second} both name the file {name!r}; keep one of them")
    for image_id, name in zip(photos.ids, photos.file_names, strict=True):
        if problem := name_problem(name):
            raise DataError(
                f"{path}: image {image_id}, file name {name!r}: {problem}; make it relative to the folder"
            )


def check_annotation_ids(boxes: Boxes, path: Path) -> None:
    """Refuse two annotations with the same id."""
    if repeated := _repeated(boxes.annotation_ids.tolist()):
        raise DataError(f"{path}: annotation id {repeated[0]} occurs twice; give each annotation its own id")


def check_image_ids(boxes: Boxes, photos: Photos, path: Path) -> None:
    """Refuse an annotation whose image is not listed."""
    unknown: NDArray[np.bool_] = ~np.isin(boxes.image_ids, photos.ids)
    if unknown.any():
        row = int(np.flatnonzero(unknown)[0])
        raise DataError(
            f"{path}: annotation {boxes.annotation_ids[row]} is of image {boxes.image_ids[row]}, "
            "which is not listed; add the image or remove the annotation"
        )


def check_has_boxes(boxes: Boxes, path: Path) -> None:
    """Refuse training data without a base box."""
    if not len(boxes):
        raise DataError(
            f"{path} has no box of any base name: check data.split, or give annotations with boxes"
        )


def _repeated(keys: Iterable[Key]) -> list[Key]:
    """Return the keys that occur more than once, smallest first."""
    return sorted(key for key, times in Counter(keys).items() if times > 1)


TRAINING_MIN_SIDE = 1.0
"""Least width and height of a training box, in pixels; a smaller one has nothing to crop."""

MOST_BOXES = 5_000
"""Most boxes of a photo: stores and training hold all boxes of a photo at once."""

_ROUNDING = 1e-3
"""Pixels that the rounding of x + width may put outside the photo."""

_SHOWN = 3


@dataclass(frozen=True)
class Quarantined:
    """A photo or box that was set aside.

    Attributes:
        what: photo or box.
        where: which one.
        reason: why it cannot be used.
    """

    what: str
    where: str
    reason: str

    def as_json(self) -> dict[str, str]:
        """Return the entry of `quarantine.json`."""
        return asdict(self)


@dataclass(frozen=True)
class CleanBoxes:
    """Usable boxes.

    Attributes:
        boxes: within their photos.
        quarantined: the boxes that were set aside.
        clipped: number of boxes that were clipped.
    """

    boxes: Boxes
    quarantined: tuple[Quarantined, ...]
    clipped: int


def clean_boxes(boxes: Boxes, photos: Photos, min_side: float) -> CleanBoxes:
    """Clip boxes to their photos and set aside those that cannot be used; the order is kept.

    Args:
        boxes: boxes of images that are all in `photos`.
        photos: their photos.
        min_side: least width and height after clipping, in pixels; 0 keeps every box with an area.
    """
    clipped_xyxy = _clip(boxes, photos)
    reasons = box_problems(boxes, photos, min_side)
    usable = reasons == ""
    moved = np.abs(clipped_xyxy[usable] - boxes.boxes_xyxy[usable]).max(axis=1, initial=0) > _ROUNDING
    kept = boxes.take(usable)
    areas = _areas(kept.areas, clipped_xyxy[usable])
    return CleanBoxes(
        Boxes(kept.annotation_ids, kept.image_ids, kept.labels, clipped_xyxy[usable], areas, kept.crowd),
        tuple(_quarantined(boxes, int(row), str(reasons[row])) for row in np.flatnonzero(~usable)),
        int(moved.sum()),
    )


def box_problems(boxes: Boxes, photos: Photos, min_side: float) -> NDArray[np.str_]:
    """Return the first reason why each box cannot be used, (M,) text, empty if it can.

    Arguments as in `clean_boxes`.
    """
    sizes_wh, boxes_xyxy = photos.sizes_of(boxes.image_ids), boxes.boxes_xyxy
    clipped_xyxy = _clip(boxes, photos)
    with np.errstate(invalid="ignore"):
        sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
        left = clipped_xyxy[:, 2:] - clipped_xyxy[:, :2]
        conditions = [
            ~np.isfinite(boxes_xyxy).all(axis=1),
            (sides <= 0).any(axis=1),
            ((boxes_xyxy[:, :2] >= sizes_wh) | (boxes_xyxy[:, 2:] <= 0)).any(axis=1),
            (left < min_side).any(axis=1) | (left <= 0).any(axis=1),
            _boxes_beside(boxes) > MOST_BOXES,
        ]
    texts = [
        "a coordinate is not a finite number",
        "the box has no area",
        "the box is outside the photo",
        f"less than {min_side:g} pixel of the box is left on a side",
        f"its photo has more than {MOST_BOXES:,} boxes",
    ]
    return np.select(conditions, texts, default="")


def _boxes_beside(boxes: Boxes) -> NDArray[np.int64]:
    """Return the number of boxes on the photo of each box, (M,)."""
    _, places, counts = np.unique(boxes.image_ids, return_inverse=True, return_counts=True)
    return counts[places]


def named(which: str, quarantined: Sequence[Quarantined]) -> tuple[Quarantined, ...]:
    """Return them with their set, train or val, in `where`."""
    return tuple(replace(one, where=f"{which} {one.where}") for one in quarantined)


def check_quarantined(quarantined: Sequence[Quarantined], total: int, fraction: float, count: int) -> None:
    """Refuse data if more is quarantined than a fraction of the total or a count, whichever is larger.

    All are of one kind.

    Raises:
        DataError: shows the first few and names the params.
    """
    if len(quarantined) <= max(count, fraction * total):
        return
    what = {"box": "boxes", "photo": "photos"}[quarantined[0].what]
    first = "; ".join(f"{one.where}: {one.reason}" for one in quarantined[:_SHOWN])
    raise DataError(
        f"{len(quarantined)} of {total} {what} cannot be used, more than prepare.max_quarantined_fraction = "
        f"{fraction:g} and prepare.max_quarantined = {count} allow; the first: {first}; fix or remove them, "
        "or raise one of these params"
    )


def _clip(boxes: Boxes, photos: Photos) -> NDArray[np.float64]:
    """Return the boxes clipped to their photos, (M, 4) xyxy."""
    sizes_wh = photos.sizes_of(boxes.image_ids).astype(np.float64)
    clipped: NDArray[np.float64] = np.clip(boxes.boxes_xyxy, 0, np.tile(sizes_wh, 2))
    return clipped


def _areas(stated: NDArray[np.float64], boxes_xyxy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the stated area of the object, or the box's if it is missing; some tools write 0."""
    sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    usable = np.isfinite(stated) & (stated > 0)
    return np.where(usable, stated, sides.prod(axis=1))


def _quarantined(boxes: Boxes, row: int, reason: str) -> Quarantined:
    box = ", ".join(f"{value:g}" for value in boxes.boxes_xyxy[row])
    where = f"annotation {boxes.annotation_ids[row]} of image {boxes.image_ids[row]}"
    return Quarantined("box", where, f"{reason} (x0, y0, x1, y1 = {box})")
