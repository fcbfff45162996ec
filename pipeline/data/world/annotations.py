"""Scenes as a data set of COCO's or LVIS's form.

The everyday world is annotated as COCO: every thing has a box. The long tail is annotated as LVIS (Gupta et
al., CVPR 2019), whose annotators did not look for every name in every photo: some names of a scene have no
box, some have one box only, and some other names are known to be absent. A crowd has no box in LVIS; its name
is then not exhaustive.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ezsd.pipeline.data.world.names import (
    CATEGORY_IDS,
    LONG_TAIL_IDS,
    LONG_TAIL_NAMES,
    LONG_TAIL_SHARES,
    SPLITS,
    generator,
    parts_of,
)
from ezsd.pipeline.data.world.scenes import Scene, SceneObject

MOST_RARE, MOST_COMMON = 10, 100
"""The most training photos that show a rare and a common name."""
_IMAGES_A_SPLIT = 1_000_000
_ANNOTATIONS_AN_IMAGE = 100
_UNVERIFIED, _NOT_EXHAUSTIVE = 0.1, 0.1
_ABSENT = 12
_BOXES_A_SCENE = 4.5

Record = dict[str, Any]


def image_id(split: str, index: int) -> int:
    """Return the id of scene `index` of a split: unique over all splits; some end in zeros."""
    return SPLITS[split] * _IMAGES_A_SPLIT + index + 1


def file_name(split: str, index: int) -> str:
    """Return the photo's name: its id, zero-padded as in COCO."""
    return f"{image_id(split, index):012d}.jpg"


def photo_name(split: str, index: int) -> str:
    """Return the photo's path below LVIS's folder of all splits."""
    return f"{split}/{file_name(split, index)}"


def annotation_file(
    images: list[Record], annotations: list[Record], categories: list[Record]
) -> dict[str, list[Record] | Record]:
    """Return the content of an annotation file."""
    return {
        "info": {"description": "The embedded world of ezsd: drawn scenes, no photo"},
        "images": images,
        "annotations": annotations,
        "categories": categories,
    }


def coco_records(seed: int, split: str, index: int, scene: Scene) -> tuple[Record, list[Record]]:
    """Return the entries of one scene under `images` and `annotations`; the seed makes no difference."""
    size = _image_size(split, index, scene)
    image = {"id": size.pop("id"), "file_name": file_name(split, index), **size}
    annotations = [
        _annotation(split, index, position, thing, CATEGORY_IDS[thing.category])
        for position, thing in enumerate(scene.objects)
    ]
    return image, annotations


def coco_categories(training: Sequence[Record]) -> list[Record]:
    """Return the 65 categories, whatever is annotated."""
    return [
        {"id": number, "name": name, "supercategory": parts_of(name)[1]}
        for name, number in CATEGORY_IDS.items()
    ]


def lvis_records(seed: int, split: str, index: int, scene: Scene) -> tuple[Record, list[Record]]:
    """Return the entries of one scene under `images` and `annotations`, not all of its things among them.

    What the annotators overlook depends on the seed, the split and the index alone.
    """
    rng = generator(seed, "annotators", split, index)
    ids = [LONG_TAIL_IDS[thing.category] for thing in scene.objects]
    here = sorted(set(ids))
    verified = {id_ for id_ in here if rng.random() >= _UNVERIFIED}
    partial = {id_ for id_ in here if rng.random() < _NOT_EXHAUSTIVE}
    partial |= {id_ for id_, thing in zip(ids, scene.objects, strict=True) if thing.crowd}
    annotations: list[Record] = []
    boxed: set[int] = set()
    for position, (id_, thing) in enumerate(zip(ids, scene.objects, strict=True)):
        if thing.crowd or id_ not in verified or (id_ in partial and id_ in boxed):
            continue
        boxed.add(id_)
        record = _annotation(split, index, position, thing, id_)
        record.pop("iscrowd")
        annotations.append(record)
    image = {
        **_image_size(split, index, scene),
        "coco_url": photo_name(split, index),
        "neg_category_ids": _absent(here, rng),
        "not_exhaustive_category_ids": sorted(partial & boxed),
    }
    return image, annotations


def lvis_categories(training: Sequence[Record]) -> list[Record]:
    """Return the 260 categories with their frequency by LVIS's rule.

    Args:
        training: annotations of the training scenes; a name that none of them shows is rare.
    """
    things = Counter(one["category_id"] for one in training)
    pairs = {(one["image_id"], one["category_id"]) for one in training}
    photos = Counter(category_id for _, category_id in pairs)
    return [
        {
            "id": id_,
            "name": name,
            "synonyms": [name],
            "frequency": frequency_of(photos[id_]),
            "image_count": photos[id_],
            "instance_count": things[id_],
        }
        for name, id_ in LONG_TAIL_IDS.items()
    ]


def frequency_of(photos: int) -> str:
    """Return r, c or f for a name with boxes in this number of training photos."""
    if photos <= MOST_RARE:
        return "r"
    return "c" if photos <= MOST_COMMON else "f"


def likely_base(scenes: int) -> tuple[str, ...]:
    """Return the names that this number of training scenes should make common or frequent, frequent first."""
    enough = LONG_TAIL_SHARES * _BOXES_A_SCENE * scenes > MOST_RARE
    return tuple(name for name, is_base in zip(LONG_TAIL_NAMES, enough, strict=True) if is_base)


def _image_size(split: str, index: int, scene: Scene) -> Record:
    height, width = scene.image.shape[:2]
    return {"id": image_id(split, index), "width": width, "height": height}


def _annotation(split: str, index: int, position: int, thing: SceneObject, category_id: int) -> Record:
    """Return the entry of the scene's object at `position`; its box is x, y, width, height in pixels."""
    x0, y0, x1, y1 = thing.box_xyxy
    return {
        "id": image_id(split, index) * _ANNOTATIONS_AN_IMAGE + position,
        "image_id": image_id(split, index),
        "category_id": category_id,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": thing.area,
        "segmentation": thing.rle,
        "iscrowd": int(thing.crowd),
    }


def _absent(here: Sequence[int], rng: np.random.Generator) -> list[int]:
    """Return ids of some names that the scene does not show."""
    others = np.setdiff1d(np.array(sorted(LONG_TAIL_IDS.values())), np.array(here, dtype=np.int64))
    return sorted(rng.choice(others, _ABSENT, replace=False).tolist())
