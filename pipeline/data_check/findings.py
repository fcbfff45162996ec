"""The report of a data check."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ezsd.pipeline.data.sources import Which

MOST_LISTED = 100
"""Most cases of one kind in the JSON; all are counted."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Case:
    """One place where something was found.

    Attributes:
        text: a phrase that describes it.
        which: the set.
        file_name: the photo that shows it, if any.
        size_wh: the declared width and height of the photo in pixels.
        boxes_xyxy: boxes to draw, in pixels of the photo; they may be outside it, or not finite.
        captions: the name of each box.
    """

    text: str
    which: Which
    file_name: str | None = None
    size_wh: tuple[int, int] | None = None
    boxes_xyxy: tuple[Box, ...] = ()
    captions: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return plain values; numbers that JSON cannot hold become text."""
        finite = [
            [side if abs(side) < float("inf") else str(side) for side in box] for box in self.boxes_xyxy
        ]
        return {"text": self.text, "set": self.which, "photo": self.file_name, "boxes_xyxy": finite}


@dataclass(frozen=True)
class Findings:
    """All cases of one kind in one set; `kind` describes them."""

    kind: str
    which: Which
    cases: Sequence[Case]

    def as_json(self) -> dict[str, Any]:
        """Return the count and the first cases."""
        listed = [case.as_json() for case in self.cases[:MOST_LISTED]]
        return {"kind": self.kind, "set": self.which, "count": len(self.cases), "cases": listed}


@dataclass(frozen=True)
class SetCounts:
    """Numbers of photos and boxes of one set; boxes of other names than the split's are not counted.

    Attributes:
        photos: all photos.
        empty_photos: photos without a box.
        base: boxes of base names.
        novel: boxes of novel names.
        crowd: crowd regions.
        small: boxes other than crowd regions with an area under 32 pixels squared, as in COCO.
        medium: those under 96 pixels squared.
        large: the others.
        clipped: boxes that stick out of their photo.
    """

    photos: int
    empty_photos: int
    base: int
    novel: int
    crowd: int
    small: int
    medium: int
    large: int
    clipped: int


@dataclass(frozen=True)
class NameCounts:
    """Numbers of boxes of one name in each set that can be read; `group` is base or novel."""

    name: str
    group: str
    boxes: Mapping[Which, int]


@dataclass(frozen=True)
class DataReport:
    """The whole report.

    Attributes:
        split: its name; None if there is no usable split.
        sets: counts of each set that can be read.
        names: boxes of each name.
        findings: everything that was found, by kind.
        stops: the errors at which the pipeline would stop, in its own sentences.
        notes: what could not be checked.
    """

    split: str | None
    sets: Mapping[Which, SetCounts]
    names: Sequence[NameCounts]
    findings: Sequence[Findings]
    stops: Sequence[str]
    notes: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "split": self.split,
            "sets": {which: asdict(counts) for which, counts in self.sets.items()},
            "names": [{"name": one.name, "group": one.group, **one.boxes} for one in self.names],
            "findings": [found.as_json() for found in self.findings],
            "stops": list(self.stops),
            "notes": list(self.notes),
        }
