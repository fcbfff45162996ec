"""The division of category names into base (boxes in training) and novel (none)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

from ezsd.errors import InputError

BUILTIN_SPLITS = ("world_48_17", "coco_48_17", "voc_15_5_1", "voc_15_5_2", "voc_15_5_3")


@dataclass(frozen=True)
class Split:
    """Base and novel names; a class label is everywhere an index into `names`.

    Base labels are 0..B-1 and novel labels B..B+V-1, so a base label is also an index into `base`.

    Attributes:
        name: of the split.
        base: names with boxes in training.
        novel: names without.
        shots: largest number of boxes of a novel name in training; 0 is zero-shot.
        novel_photos: whether training has photos of other novel objects, without their boxes.

    Raises:
        InputError: a side is empty, a name is empty or repeated, or a name is on both sides.
    """

    name: str
    base: tuple[str, ...]
    novel: tuple[str, ...]
    shots: int = 0
    novel_photos: bool = True

    def __post_init__(self) -> None:
        for side, names in (("base", self.base), ("novel", self.novel)):
            _check_side(self.name, side, names)
        both = sorted(set(self.base) & set(self.novel))
        if both:
            raise InputError(
                f"split {self.name!r}: {_quoted(both)} stands in both base and novel; keep each on one side"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """All names, base first."""
        return self.base + self.novel

    @property
    def labelled(self) -> tuple[str, ...]:
        """Names with boxes in training: the base names; all names if there are shots."""
        return self.names if self.shots else self.base

    def protocol(self, known: str) -> str:
        """The name of the protocol for results: `few-shot 10, names known, no other novel photos`.

        Args:
            known: "names known" or "strict": whether mining used novel names.
        """
        shots = [f"few-shot {self.shots}"] if self.shots else []
        photos = [] if self.novel_photos else [f"no {'other ' if self.shots else ''}novel photos"]
        return ", ".join([*shots, known, *photos])

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "Split":
        """The inverse of `to_dict`; raises KeyError or TypeError for other values."""
        sides = {side: tuple(values[side]) for side in ("base", "novel")}
        return Split(values["name"], **sides, shots=values["shots"], novel_photos=values["novel_photos"])


def builtin_split(name: str) -> Split:
    """Return one of `BUILTIN_SPLITS` by name; raises InputError for another name."""
    if name not in BUILTIN_SPLITS:
        raise InputError(f"unknown split {name!r}; the built-in ones are {', '.join(BUILTIN_SPLITS)}")
    text = resources.files("ezsd").joinpath("splits", f"{name}.json").read_text(encoding="utf-8")
    sides = json.loads(text)
    return Split(name, tuple(sides["base"]), tuple(sides["novel"]))


def _check_side(split: str, side: str, names: Sequence[str]) -> None:
    if not names:
        raise InputError(f"split {split!r}: there is no {side} name; list at least one")
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise InputError(f"split {split!r}: a {side} name is empty or not text; every name must be text")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(f"split {split!r}: {_quoted(repeated)} is listed twice in {side}; list each once")


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
