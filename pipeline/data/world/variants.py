"""The variants of the world: what scenes hold, and in which form they are annotated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ezsd.pipeline.data.world.coco import coco_categories, coco_records, file_name
from ezsd.pipeline.data.world.lvis import lvis_categories, lvis_records, photo_name
from ezsd.pipeline.data.world.scenes import Scene
from ezsd.pipeline.data.world.vocabulary import EVERYDAY, LONG_TAIL, Vocabulary

Record = dict[str, Any]


@dataclass(frozen=True)
class Variant:
    """A variant of the world.

    Attributes:
        vocabulary: what things there are.
        photo_name: from split and index to a photo's name in the folder of photos.
        records: from seed, split, index and scene to its entries under `images` and `annotations`.
        categories: from the annotations of all training scenes to the entries under `categories`.
    """

    vocabulary: Vocabulary
    photo_name: Callable[[str, int], str]
    records: Callable[[int, str, int, Scene], tuple[Record, list[Record]]]
    categories: Callable[[Sequence[Record]], list[Record]]


VARIANTS = {
    "coco": Variant(EVERYDAY, file_name, coco_records, coco_categories),
    "lvis": Variant(LONG_TAIL, photo_name, lvis_records, lvis_categories),
}
"""By the form of their annotation files: the everyday world as COCO's, the long tail as LVIS's."""
