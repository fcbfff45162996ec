"""How large the data sets are, and how their boxes spread over photos and names."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ezsd.split import builtin_split

Kind = Literal["coco", "lvis"]


@dataclass(frozen=True)
class Shape:
    """What a data set holds.

    Args:
        kind: the preset's name and the data's format.
        photos, boxes: of training. val_photos, val_boxes: of validation.
        names: categories.
        most_boxes: about as many in the fullest photo.
        same_name: share of boxes with the name of the box before; photos show several things of a kind.
        corners: of an object's polygon.
        crowds: share of boxes that are crowd regions.
    """

    kind: Kind
    photos: int
    boxes: int
    val_photos: int
    val_boxes: int
    names: int
    most_boxes: int
    same_name: float
    corners: int
    crowds: float

    def part(self, share: float) -> "Shape":
        """The same with that share of all photos and boxes."""
        counts = ("photos", "boxes", "val_photos", "val_boxes")
        return replace(self, **{name: round(share * getattr(self, name)) for name in counts})

    def category_names(self) -> Sequence[str]:
        """Distinct; for COCO those of the preset's split and some more."""
        known = builtin_split("coco_48_17").names if self.kind == "coco" else ()
        return [*known, *(f"thing {number}" for number in range(len(known), self.names))]


SHAPES = (
    Shape("coco", 118_287, 860_001, 5_000, 36_781, 80, 93, 0.6, 24, 0.012),
    Shape("lvis", 100_170, 1_270_141, 19_809, 244_707, 1203, 294, 0.7, 50, 0.0),
)
LVIS_FREQUENT, LVIS_COMMON, LVIS_RARE = 405, 461, 337
"""So many of LVIS's names are in more than 100 training photos, in more than 10, and in fewer."""
