"""What makes annotations unusable as a whole. Each check ends in one sentence: file, id, mend."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ezsd.pipeline.data.photos import name_problem
from ezsd.pipeline.data.tables import Boxes, Category, Photos
from ezsd.pipeline.errors import DataError

Key = TypeVar("Key", int, str)


def check_categories(categories: Sequence[Category], path: Path) -> None:
    """Refuse two categories of one id or one name."""
    if repeated := _repeated(category.id for category in categories):
        raise DataError(f"{path}: category id {repeated[0]} occurs twice; give each category its own id")
    if repeated_names := _repeated(category.name for category in categories):
        raise DataError(f"{path}: two categories are named {repeated_names[0]!r}; merge or rename one")


def check_photos(photos: Photos, path: Path) -> None:
    """Refuse an empty list, two images of one id or one file, and file names that lead out of the folder."""
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
    """Refuse two annotations of one id."""
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
    """Refuse to train without a box of a base name."""
    if not len(boxes):
        raise DataError(
            f"{path} has no box of any base name: check data.split, or give annotations with boxes"
        )


def _repeated(keys: Iterable[Key]) -> list[Key]:
    """Keys that occur more than once, smallest first."""
    return sorted(key for key, times in Counter(keys).items() if times > 1)
