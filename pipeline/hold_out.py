"""Divides own photos into training and validation, so that every name can be learned and scored.

The division looks at the boxes of all names, novel ones too: without a validation box a name has no AP. It is
made before the pipeline; training still sees no novel box.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ezsd.pipeline.data.checks import check_image_ids, read_boxes, read_photos
from ezsd.pipeline.data.coco import CocoFile
from ezsd.pipeline.data.json_rows import load_json, table
from ezsd.pipeline.data.tables import AnnotationFile, Boxes, Photos
from ezsd.pipeline.errors import DataError
from ezsd.split import Split


@dataclass(frozen=True)
class Division:
    """Annotations in COCO's form, divided.

    Attributes:
        train: photos to learn from, with their boxes.
        val: photos to score on, with theirs.
        unscored: names without a validation box.
    """

    train: Mapping[str, Any]
    val: Mapping[str, Any]
    unscored: tuple[str, ...]


def hold_out(file: AnnotationFile, split: Split, fraction: float, seed: int) -> Division:
    """Hold out a fraction of the photos; see `choose_held` for which.

    Raises:
        DataError: the annotations cannot be used, or list a single photo.
    """
    photos = read_photos(file)
    if len(photos) < 2:
        raise DataError(f"{file.path} lists one photo: give at least two, one of them for validation")
    names = _names_by_photo(file, photos, split)
    return divide(file, split, choose_held(names, split.base, fraction, seed))


def divide(file: AnnotationFile, split: Split, held: Collection[int]) -> Division:
    """Divide by the ids of the validation photos. Raises DataError when a part would be empty."""
    photos = read_photos(file)
    if not 0 < len(held) < len(photos):
        raise DataError(f"{file.path} has photos for one of training and validation: both need some")
    tree = _coco_form(file, photos)
    scored = {
        name for image, own in _names_by_photo(file, photos, split).items() if image in held for name in own
    }
    return Division(
        train=_part(tree, set(photos.ids.tolist()) - set(held)),
        val=_part(tree, held),
        unscored=tuple(name for name in split.names if name not in scored),
    )


def choose_held(
    names: Mapping[int, Collection[str]], base: Collection[str], fraction: float, seed: int
) -> frozenset[int]:
    """Choose validation photos: at random, but first some for each name, the rarest name first.

    A name with boxes on several photos gets some in validation, and a base name always keeps some in
    training.

    Args:
        names: the names on each photo, by its id.
        base: those that need training photos.
        fraction: of the photos; more are held out if the names need it.
        seed: of the draw; the order of the photos makes no difference.
    """
    drawn = sorted(names, key=lambda number: hashlib.sha256(f"{seed} {number}".encode()).digest())
    left = Counter(name for number in drawn for name in names[number])
    held: set[int] = set()

    def hold_one(candidates: Sequence[int]) -> None:
        for number in candidates:
            if number not in held and all(left[name] > 1 for name in names[number] if name in base):
                held.add(number)
                left.subtract(names[number])
                return

    for name in sorted(left, key=lambda name: (left[name], name)):
        if not any(name in names[number] for number in held):
            hold_one([number for number in drawn if name in names[number]])
    for _ in range(len(held), max(1, round(fraction * len(drawn)))):
        hold_one(drawn)
    return frozenset(held)


def _names_by_photo(file: AnnotationFile, photos: Photos, split: Split) -> dict[int, set[str]]:
    """Names of the split with an object on each photo, by the photo's id."""
    boxes = read_boxes(file, split.names).objects()
    check_image_ids(boxes, photos, file.path)
    names: dict[int, set[str]] = {number: set() for number in photos.ids.tolist()}
    for number, label in zip(boxes.image_ids.tolist(), boxes.labels.tolist(), strict=True):
        names[number].add(split.names[label])
    return names


def _coco_form(file: AnnotationFile, photos: Photos) -> dict[str, Any]:
    """All annotations in COCO's form; those of a COCO file as they are."""
    if isinstance(file, CocoFile):
        tree = load_json(file.path, hook=dict)
        tables = ("images", "annotations")
        return tree | {key: [row.values for row in table(tree, key, key[:-1], file.path)] for key in tables}
    categories = file.categories()
    boxes = read_boxes(file, [category.name for category in categories])
    return {
        "images": _images(photos),
        "annotations": _annotations(boxes, [category.id for category in categories]),
        "categories": [{"id": category.id, "name": category.name} for category in categories],
    }


def _images(photos: Photos) -> list[dict[str, Any]]:
    rows = zip(photos.ids.tolist(), photos.file_names, photos.sizes_wh.tolist(), strict=True)
    return [
        {"id": number, "file_name": name, "width": width, "height": height}
        for number, name, (width, height) in rows
    ]


def _annotations(boxes: Boxes, category_ids: Sequence[int]) -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "image_id": image_id,
            "category_id": category_ids[label],
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "area": area,
            "iscrowd": int(crowd),
        }
        for number, image_id, label, (x0, y0, x1, y1), area, crowd in zip(
            boxes.annotation_ids.tolist(),
            boxes.image_ids.tolist(),
            boxes.labels.tolist(),
            boxes.boxes_xyxy.tolist(),
            boxes.areas.tolist(),
            boxes.crowd.tolist(),
            strict=True,
        )
    ]


def _part(tree: Mapping[str, Any], ids: Collection[int]) -> dict[str, Any]:
    return {
        **tree,
        "images": [image for image in tree["images"] if image["id"] in ids],
        "annotations": [box for box in tree["annotations"] if box.get("image_id") in ids],
    }
