"""Sizes of the data sets, and the distribution of their boxes over photos and names."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ezsd.split import builtin_split

Kind = Literal["coco", "lvis"]


@dataclass(frozen=True)
class Shape:
    """The statistics of a data set.

    Attributes:
        kind: the preset's name and the data's format.
        photos, boxes: of training. val_photos, val_boxes: of validation.
        names: categories.
        most_boxes: approximate maximum per photo.
        same_name: share of boxes with the name of the previous box.
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
        """Return the shape with this share of all photos and boxes."""
        counts = ("photos", "boxes", "val_photos", "val_boxes")
        return replace(self, **{name: round(share * getattr(self, name)) for name in counts})

    def category_names(self) -> Sequence[str]:
        """Return distinct names; for COCO those of the preset's split and some more."""
        known = builtin_split("coco_48_17").names if self.kind == "coco" else ()
        return [*known, *(f"thing {number}" for number in range(len(known), self.names))]


SHAPES = (
    Shape("coco", 118_287, 860_001, 5_000, 36_781, 80, 93, 0.6, 24, 0.012),
    Shape("lvis", 100_170, 1_270_141, 19_809, 244_707, 1203, 294, 0.7, 50, 0.0),
)
LVIS_FREQUENT, LVIS_COMMON, LVIS_RARE = 405, 461, 337
"""Numbers of LVIS's names in more than 100 training photos, in more than 10, and in fewer."""
