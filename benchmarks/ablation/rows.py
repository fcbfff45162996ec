"""The rows of the table, as overrides of the demo's params."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ezsd.pipeline.errors import ParamsError

_RAW = "renorm.method=none"
_RENORMALIZED = "renorm.method=tune"
_RPN = "mine.method=rpn"
_CLIP = "mine.method=cascade"
_PLAIN = "train.detector.box_head.regressor=plain"
_SEMANTIC = "train.detector.box_head.regressor=semantic"

# Training draws no proposals, so one box per photo is mined, as cheaply as possible.
_NO_DISTILLATION = (
    _RAW,
    "mine.method=exhaustive",
    "mine.stride=512",
    "mine.scales=[1]",
    "mine.ratios=[1]",
    "mine.keep=1",
    "train.examples.proposals_per_image=0",
    "train.loss_factors.distillation=0",
    _PLAIN,
)


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: on the command line, and of its folders.
        title: in the table.
        overrides: `section.key=value`, over the demo's params.
        labelled: which names of the world have boxes in training.
    """

    name: str
    title: str
    overrides: tuple[str, ...]
    labelled: Literal["base", "all"] = "base"


SUPERVISED = Row("supervised", "supervised, base only", _NO_DISTILLATION)
VILD = Row("vild", "ViLD-style", (_RAW, _RPN, _PLAIN))
RENORM = Row("renorm", "+ re-normalized CLIP", (_RENORMALIZED, _RPN, _PLAIN))
CLIP = Row("clip", "+ CLIP proposals", (_RENORMALIZED, _CLIP, _PLAIN))
EZSD = Row("ezsd", "EZSD", (_RENORMALIZED, _CLIP, _SEMANTIC))
ORACLE = Row("oracle", "oracle: boxes for novel too", _NO_DISTILLATION, labelled="all")

ROWS = (SUPERVISED, VILD, RENORM, CLIP, EZSD, ORACLE)
CURVE = (VILD, EZSD)
"""Rows that are also trained with shorter schedules."""
SEEDS = (0, 1, 2)


def rows_named(names: Sequence[str]) -> tuple[Row, ...]:
    """Return the named rows in the table's order. Raises ParamsError for an unknown name."""
    known = [row.name for row in ROWS]
    for name in names:
        if name not in known:
            raise ParamsError(f"--row {name!r}: there is no such row; choose from {', '.join(known)}")
    return tuple(row for row in ROWS if row.name in names)
