"""The rows of the table: which of the three ideas each has, what goes beyond them, what an oracle adds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.ablation.own_stage import OwnStage
from ezsd.pipeline.errors import ParamsError
from ezsd.pipeline.graph import DATA, STAGES, reader
from ezsd.pipeline.stage import Stage


class Idea(NamedTuple):
    """Overrides of the demo's params with one of the paper's ideas, and as ViLD has it."""

    title: str
    ours: tuple[str, ...]
    vild: tuple[str, ...]


IDEAS: Mapping[str, Idea] = {
    # the single crop is the one on which the teacher is tuned
    "renorm": Idea(
        "re-normalized CLIP",
        ("renorm.method=tune", "embed.crops=single"),
        ("renorm.method=none", "embed.crops=multi"),
    ),
    "proposals": Idea(
        "CLIP proposals",
        ("mine.method=cascade", "train.examples.proposal_weights=confidence"),
        ("mine.method=rpn", "train.examples.proposal_weights=equal"),
    ),
    "regressor": Idea(
        "semantic regressor",
        ("train.detector.box_head.regressor=modulated",),
        ("train.detector.box_head.regressor=plain",),
    ),
}
_ALL = tuple(IDEAS)
_DISTILLATION = ("train.loss_factors.distillation=0.5",)
_NO_DISTILLATION = (
    "train.loss_factors.distillation=0",
    "train.examples.proposals_per_image=0",
    "train.detector.start=identity",  # the closed form starts from embeddings
)
_PSEUDO = ("pseudo.names=known",)
_PROBING, _ENSEMBLE = ("evaluate.probing={}",), ("evaluate.ensemble={}",)
_EVERY_BOX = ("prepare.novel_shots={per_name: 1000000, seed: 0}",)


def _evaluation(module: str) -> OwnStage:
    return OwnStage(
        "evaluate",
        params=(*DATA, "evaluate"),
        parents=STAGES["evaluate"].parents,
        late=(reader,),
        own_module=f"{__package__}.{module}",
    )


_TRUE_BOXES = OwnStage("mine", ("mine",), ("prepare", "renorm"), own_module=f"{__package__}.true_boxes")
_TRUE_NAMES = _evaluation("true_names")
_TEACHER = _evaluation("ceiling")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: on the command line, and of its files.
        title: in the table.
        ideas: keys of `IDEAS`; the others are as ViLD has them.
        more: further overrides, `section.key=value`.
        seeds: number of training seeds, from 0.
        own_stages: stages of the benchmark's own. They read novel annotations, which no param allows.
    """

    name: str
    title: str
    ideas: tuple[str, ...]
    more: tuple[str, ...] = _DISTILLATION
    seeds: int = 5
    own_stages: tuple[OwnStage, ...] = ()

    @property
    def overrides(self) -> tuple[str, ...]:
        """All overrides of the demo's params."""
        chosen = (idea.ours if name in self.ideas else idea.vild for name, idea in IDEAS.items())
        return (*(one for of_idea in chosen for one in of_idea), *self.more)

    @property
    def stages(self) -> dict[str, Stage]:
        """All stages by name."""
        return STAGES | {stage.name: stage for stage in self.own_stages}


SUPERVISED = Row("supervised", "supervised, base only", (), _NO_DISTILLATION)
VILD = Row("vild", "ViLD-style", ())
RENORM = Row("renorm", "ViLD-style + re-normalized CLIP", ("renorm",))
CLIP = Row("clip", "+ CLIP proposals = EZSD without the regressor", ("renorm", "proposals"))
EZSD = Row("ezsd", "EZSD", _ALL)
NO_RENORM = Row("no-renorm", "EZSD without re-normalization", ("proposals", "regressor"))
NO_PROPOSALS = Row("no-proposals", "EZSD without CLIP proposals", ("renorm", "regressor"))
ENSEMBLE = Row("ensemble", "EZSD + ensemble with the teacher", _ALL, _DISTILLATION + _ENSEMBLE)
PROBING = Row("probing", "EZSD + probing", _ALL, _DISTILLATION + _PROBING)
PSEUDO = Row("pseudo", "EZSD + pseudo boxes", _ALL, _DISTILLATION + _PSEUDO)
ORACLE_PROPOSALS = Row(
    "oracle-proposals", "EZSD, novel objects as proposals", _ALL, seeds=3, own_stages=(_TRUE_BOXES,)
)
ORACLE_NAMES = Row(
    "oracle-names", "EZSD, regressor reads true names", _ALL, seeds=3, own_stages=(_TRUE_NAMES,)
)
ORACLE_BOXES = Row(
    "oracle-boxes", "EZSD, trained on novel boxes too", _ALL, _DISTILLATION + _EVERY_BOX, seeds=3
)
CEILING = Row("ceiling", "teacher names true boxes", _ALL, seeds=1, own_stages=(_TEACHER,))

WITHOUT = {"renorm": NO_RENORM, "proposals": NO_PROPOSALS, "regressor": CLIP}
"""EZSD without each idea."""
BEYOND = (ENSEMBLE, PROBING, PSEUDO)
"""EZSD with what is not the paper's, from the same cache."""
ORACLES = (ORACLE_PROPOSALS, ORACLE_NAMES, ORACLE_BOXES, CEILING)
"""Rows that read novel annotations."""
ROWS = (SUPERVISED, VILD, RENORM, CLIP, EZSD, NO_RENORM, NO_PROPOSALS, *BEYOND, *ORACLES)
CURVE = (VILD, EZSD)
"""Rows that are also trained with shorter schedules."""


def rows_named(names: Sequence[str]) -> tuple[Row, ...]:
    """Return the named rows in the order of their names. Raises ParamsError for an unknown name."""
    known = {row.name: row for row in ROWS}
    for name in names:
        if name not in known:
            raise ParamsError(f"--row {name!r}: there is no such row; choose from {', '.join(known)}")
    return tuple(known[name] for name in names)
