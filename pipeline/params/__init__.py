"""Typed, frozen params, read from `params.yaml`: a section for each stage, and three that stages share.

A stage's own section (`prepare` ... `report`) and the shared sections `data` and `teacher` determine the
bytes of the artifacts. `run` sets devices and workers: it changes no byte, so it is part of no fingerprint.
"""

from collections.abc import Sequence
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ezsd.config import config
from ezsd.pipeline.errors import ParamsError
from ezsd.pipeline.params.presets import PRESETS, preset_text
from ezsd.pipeline.params.sections import (
    DataParams,
    EmbedParams,
    EvaluateParams,
    Logger,
    MineParams,
    MineRpnParams,
    NovelShots,
    OwnSplit,
    PrepareParams,
    ReportParams,
    RunParams,
    TrainParams,
)
from ezsd.pipeline.params.teacher import TeacherParams
from ezsd.pipeline.params.tree import apply_override, first_problem, parse_yaml
from ezsd.pseudo.config import PseudoConfig
from ezsd.renorm.config import RenormConfig

__all__ = [
    "PRESETS",
    "DataParams",
    "EmbedParams",
    "EvaluateParams",
    "Logger",
    "MineParams",
    "MineRpnParams",
    "NovelShots",
    "OwnSplit",
    "Params",
    "PrepareParams",
    "RunParams",
    "TeacherParams",
    "TrainParams",
    "load_params",
    "parse_params",
    "plain_values",
    "preset_text",
    "select",
    "tree_params",
]

PARAMS_FILE = "params.yaml"


@config
class Params:
    """All of `params.yaml`.

    Attributes:
        data: the data set and its split.
        teacher: the CLIP.
        prepare: checks and index of photos and annotations.
        renorm: re-normalization of the teacher.
        mine: proposals of the teacher.
        embed: embeddings of proposals and base boxes.
        pseudo: proposals that training does not count as background; null for none, as in the paper.
        train: the detector and its training.
        evaluate: scoring.
        report: the page.
        run: devices and workers.
    """

    data: DataParams
    teacher: TeacherParams
    prepare: PrepareParams
    renorm: RenormConfig
    mine: MineParams
    embed: EmbedParams
    pseudo: PseudoConfig | None = None
    train: TrainParams
    evaluate: EvaluateParams
    report: ReportParams
    run: RunParams

    def __post_init__(self) -> None:
        if self.prepare.novel_shots is not None and self.mine.names == "strict":
            raise ValueError(
                "prepare.novel_shots reveals the novel names: set mine.names to known, or it to null"
            )
        if self.pseudo is not None and self.pseudo.names == "known" and self.mine.names == "strict":
            raise ValueError(
                "pseudo.names known needs the novel names: set mine.names to known, or it to strict"
            )
        if self.train.detector.mask_head is not None and not self.prepare.masks:
            raise ValueError("train.detector.mask_head needs masks: set prepare.masks to true, or it to null")
        if self.evaluate.probing is not None and self.mine.names == "strict":
            raise ValueError(
                "evaluate.probing takes proposals by novel name: set mine.names to known, or it to null"
            )


_PARAMS = TypeAdapter(Params)


def load_params(path: Path, overrides: Sequence[str] = ()) -> Params:
    """Load the params of `path` with `section.key=value` overrides.

    Raises:
        ParamsError: no such file, broken YAML, an unknown or missing key, an invalid value; names the key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ParamsError(
            f"{path} does not exist: write one with `ezsd-cli init --preset {'|'.join(PRESETS)}`, "
            "or for your own photos with `ezsd-cli init-own`"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path} cannot be read ({error}): make it a readable UTF-8 file") from None
    return parse_params(text, overrides, source=str(path))


def parse_params(text: str, overrides: Sequence[str] = (), source: str = PARAMS_FILE) -> Params:
    """Like :func:`load_params`, from YAML text."""
    tree = parse_yaml(text, source)
    for override in overrides:
        apply_override(tree, override)
    return tree_params(tree, source)


def tree_params(tree: dict[str, Any], source: str = PARAMS_FILE) -> Params:
    """Like :func:`load_params`, from plain sections and keys."""
    try:
        return _PARAMS.validate_python(tree)
    except ValidationError as error:
        raise ParamsError(f"{source}: {first_problem(error)}") from None


def plain_values(section: Any) -> Any:
    """The params, or one of their sections, as plain JSON values."""
    return TypeAdapter(type(section)).dump_python(section, mode="json")


def select(params: Params, keys: Sequence[str]) -> dict[str, Any]:
    """Plain values of the named sections or keys (`teacher`, `renorm.epochs`), by that name."""
    tree = plain_values(params)
    return {key: reduce(getitem, key.split("."), tree) for key in keys}
