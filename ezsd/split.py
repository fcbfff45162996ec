"""The division of category names into base (boxes in training) and novel (none)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from ezsd.errors import InputError

BUILTIN_SPLITS = ("world_48_17", "coco_48_17", "voc_15_5_1", "voc_15_5_2", "voc_15_5_3")


@dataclass(frozen=True)
class Split:
    """Names of a zero-shot task; a class label everywhere is an index into `names`.

    Base labels are 0..B-1 and novel labels B..B+V-1, so a base label means the same with `base` and `names`.
    Raises InputError when a side is empty, a name is empty or repeated, or a name stands on both sides.
    """

    name: str
    base: tuple[str, ...]
    novel: tuple[str, ...]

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
