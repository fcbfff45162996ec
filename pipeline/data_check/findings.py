"""What a check of the data tells."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ezsd.pipeline.data.sources import Which

MOST_LISTED = 100
"""Cases of one kind that the JSON lists; all are counted."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Case:
    """One place where something was found.

    said: one phrase. which, file_name: the photo that shows it, None if none does; size_wh: as declared.
    boxes_xyxy, captions: what to draw there, in its pixels; boxes may reach out of it or be no numbers.
    """

    said: str
    which: Which
    file_name: str | None = None
    size_wh: tuple[int, int] | None = None
    boxes_xyxy: tuple[Box, ...] = ()
    captions: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values; numbers that JSON cannot hold become text."""
        finite = [
            [side if abs(side) < float("inf") else str(side) for side in box] for box in self.boxes_xyxy
        ]
        return {"said": self.said, "set": self.which, "photo": self.file_name, "boxes_xyxy": finite}


@dataclass(frozen=True)
class Findings:
    """All cases of one kind in one set; `kind` says in words what they are."""

    kind: str
    which: Which
    cases: Sequence[Case]

    def as_json(self) -> dict[str, Any]:
        """The count, and the first cases."""
        listed = [case.as_json() for case in self.cases[:MOST_LISTED]]
        return {"kind": self.kind, "set": self.which, "count": len(self.cases), "cases": listed}


@dataclass(frozen=True)
class SetCounts:
    """What one set holds of the split's names.

    empty_photos have no box of them. small, medium, large: boxes that are no crowd regions, by COCO's areas,
    32 and 96 pixels squared. clipped: boxes that stick out of their photo.
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
    """Boxes of one name in each set that can be read."""

    name: str
    group: str
    boxes: Mapping[Which, int]


@dataclass(frozen=True)
class DataReport:
    """All of it. stops: sentences of the pipeline's own, for each thing at which it would stop."""

    split: str | None
    sets: Mapping[Which, SetCounts]
    names: Sequence[NameCounts]
    findings: Sequence[Findings]
    stops: Sequence[str]
    notes: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        """Plain values for programs."""
        return {
            "split": self.split,
            "sets": {which: asdict(counts) for which, counts in self.sets.items()},
            "names": [{"name": one.name, "group": one.group, **one.boxes} for one in self.names],
            "findings": [found.as_json() for found in self.findings],
            "stops": list(self.stops),
            "notes": list(self.notes),
        }
