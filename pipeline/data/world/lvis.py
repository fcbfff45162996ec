"""Scenes of the long tail as an LVIS data set: federated annotations, categories sorted by their photos.

Annotators of LVIS (Gupta et al., CVPR 2019) did not look for every name in every photo. So here: of the
names in a scene some are left out, of some only one thing is boxed, and of some others it is known that they
are not there. A crowd has no box; its name then counts as not exhaustive.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ezsd.pipeline.data.world.coco import annotation_record, file_name, image_size_record
from ezsd.pipeline.data.world.names import LONG_TAIL_IDS, LONG_TAIL_NAMES, LONG_TAIL_SHARES
from ezsd.pipeline.data.world.scenes import Scene
from ezsd.pipeline.data.world.seeds import generator

MOST_RARE, MOST_COMMON = 10, 100
"""In so many training photos is a rare and a common name at most."""
_UNVERIFIED, _NOT_EXHAUSTIVE = 0.1, 0.1
_ABSENT = 12
_BOXES_A_SCENE = 4.5

Record = dict[str, Any]


def photo_name(split: str, index: int) -> str:
    """The photo's file below the folder of all splits."""
    return f"{split}/{file_name(split, index)}"


def lvis_records(seed: int, split: str, index: int, scene: Scene) -> tuple[Record, list[Record]]:
    """The entries of one scene under `images` and `annotations`, as the annotators of the scene leave them.

    What they overlook depends on the seed, the split and the index alone.
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
        record = annotation_record(split, index, position, thing, id_)
        record.pop("iscrowd")
        annotations.append(record)
    image = {
        **image_size_record(split, index, scene),
        "coco_url": photo_name(split, index),
        "neg_category_ids": _absent(here, rng),
        "not_exhaustive_category_ids": sorted(partial & boxed),
    }
    return image, annotations


def _absent(here: Sequence[int], rng: np.random.Generator) -> list[int]:
    """Ids of some names that the scene does not show."""
    others = np.setdiff1d(np.array(sorted(LONG_TAIL_IDS.values())), np.array(here, dtype=np.int64))
    return sorted(rng.choice(others, _ABSENT, replace=False).tolist())


def lvis_categories(training: Sequence[Record]) -> list[Record]:
    """The 260 categories with their frequency by LVIS's rule; without a training photo a name is rare too.

    Args:
        training: annotations of the training scenes.
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
    """r, c or f, for a name with boxes in so many training photos."""
    if photos <= MOST_RARE:
        return "r"
    return "c" if photos <= MOST_COMMON else "f"


def likely_base(scenes: int) -> tuple[str, ...]:
    """Names that are expected not to be rare in so many training scenes, frequent ones first."""
    enough = LONG_TAIL_SHARES * _BOXES_A_SCENE * scenes > MOST_RARE
    return tuple(name for name, is_base in zip(LONG_TAIL_NAMES, enough, strict=True) if is_base)
