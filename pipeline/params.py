"""Typed, frozen params: one section a stage, read from `params.yaml`.

A stage's own section (`prepare` ... `report`) and the shared sections `data` and `teacher` decide the
bytes of the artifacts. `run` says where and with how many hands: it changes no byte, so no
fingerprint holds it.
"""

import json
import re
from collections.abc import Sequence
from functools import reduce
from importlib import resources
from operator import getitem
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from ezsd.pipeline.errors import ParamsError
from ezsd.pipeline.params_base import Count, Fraction, Positive, Section, Seed
from ezsd.pipeline.params_teacher import TeacherParams
from ezsd.pipeline.params_tree import apply_override, first_problem, parse_yaml

PARAMS_FILE = "params.yaml"
PRESETS = ("demo", "long-tail", "coco", "lvis", "voc")
SCHEDULE_LINE = re.compile(r"^  schedule: (\S+)\n", re.MULTILINE)
"""What stands in a preset in the place of its schedule's keys."""

Logger = Literal["dvclive", "tensorboard"]


class OwnSplit(Section):
    """Base and novel names of one's own data."""

    base: tuple[str, ...] = Field(min_length=1)
    novel: tuple[str, ...] = Field(min_length=1)


class WorldParams(Section):
    """How much is drawn: with format `world` the embedded world, with `lvis` its long tail."""

    train: Count
    val: Count
    seed: Seed


class DataParams(Section):
    """Where photos and annotations are. Paths are relative to the folder of `params.yaml`, or absolute."""

    format: Literal["world", "coco", "lvis", "voc"]
    split: str | OwnSplit
    world: WorldParams | None = None
    train_photos: str | None = None
    train_annotations: str | None = None
    val_photos: str | None = None
    val_annotations: str | None = None

    @model_validator(mode="after")
    def _has_a_source(self) -> "DataParams":
        paths = {
            key: getattr(self, key)
            for key in ("train_photos", "train_annotations", "val_photos", "val_annotations")
        }
        if self.format == "world" or (self.format == "lvis" and self.world is not None):
            if self.world is None or any(paths.values()):
                raise ValueError("a world that is drawn takes data.world and no paths")
        elif self.world is not None:
            raise ValueError(f"format '{self.format}' takes paths, so data.world must be left out")
        elif missing := [key for key, value in paths.items() if not value]:
            raise ValueError(f"format '{self.format}' needs data.{missing[0]}")
        return self


class NovelShots(Section):
    """Boxes of novel names that training sees (few-shot): at most so many of each, drawn by the seed."""

    per_name: Count
    seed: Seed


class PrepareParams(Section):
    """Checks and index; `masks`: keep those of base boxes too, for `train.mask_head`.

    `novel_images` and `novel_shots` alone let training see anything of novel annotations.
    """

    empty_photos: Literal["keep", "drop"]
    novel_images: Literal["keep", "drop"] = "keep"
    novel_shots: NovelShots | None = None
    masks: bool
    max_quarantined_fraction: Fraction
    photos_per_shard: Count


class RenormParams(Section):
    """CLIP re-normalization (docs/method.md, section 2)."""

    method: Literal["tune", "statistics", "none"]
    towers: Literal["image", "text", "both"]
    loss: Literal["bce", "softmax"]
    epochs: Count
    photos_per_step: Count
    learning_rate: Positive
    weight_decay: Annotated[float, Field(ge=0)]
    clip_norm: Positive
    enlarge: Annotated[float, Field(ge=1)]
    min_side: Positive
    repeat_threshold: Fraction
    area_weights: bool
    seed: Seed


class BackboneParams(Section):
    """The network that looks at the photo.

    `name`: `world` for the packaged one, a torchvision model such as `resnet50`, or `timm/NAME`.
    `weights`: `bundled` (of `world`), `random`, `tag:TAG` of the library, or a file. `taps`: modules that
    feed the pyramid, fine to coarse. `frozen_stages`: so many taps, from the finest, keep their weights.
    """

    name: str
    weights: str
    taps: tuple[str, ...] = Field(min_length=1)
    frozen_stages: Annotated[int, Field(ge=0)]


class ProposalNetworkParams(Section):
    """A backbone with a pyramid and a region proposal network on it, and the steps that train them.

    `epochs` and `decay_epochs` need not be whole.
    """

    backbone: BackboneParams
    fpn_channels: Count
    anchor_sides: tuple[Positive, ...] = Field(min_length=1)
    anchors_per_image: Count
    long_side: Count
    images_per_step: Count
    epochs: Positive
    decay_epochs: tuple[Positive, ...]
    learning_rate: Positive
    warmup_steps: Annotated[int, Field(ge=0)]
    seed: Seed

    @model_validator(mode="after")
    def _has_a_side_for_each_level(self) -> Self:
        levels = len(self.backbone.taps) + 1
        if len(self.anchor_sides) != levels:
            raise ValueError(
                f"anchor_sides needs {levels} sides: one for each of backbone.taps, and one coarser still"
            )
        if self.backbone.frozen_stages > levels - 1:
            raise ValueError(f"backbone.frozen_stages is at most {levels - 1}, the number of backbone.taps")
        return self


class RpnParams(ProposalNetworkParams):
    """The region proposal network of `mine.method: rpn`, and how base boxes train it."""

    short_side: Count


class MineParams(Section):
    """CLIP proposals (docs/method.md, section 3)."""

    method: Literal["exhaustive", "cascade", "rpn"]
    cascade_fraction: Annotated[float, Field(gt=0, le=1)]
    names: Literal["known", "strict"]
    extra_names: tuple[str, ...]
    long_side: Count
    short_side: Count
    stride: Count
    scales: tuple[Positive, ...] = Field(min_length=1)
    ratios: tuple[Positive, ...] = Field(min_length=1)
    nms_iou: Fraction
    best: Count
    base_iou: Fraction
    keep: Count
    enlarge: Annotated[float, Field(ge=1)]
    photos_per_shard: Count
    batch: Count
    rpn: RpnParams


class EmbedParams(Section):
    """Teacher embeddings of ground truth and proposals."""

    crops: Literal["single", "multi"]
    dtype: Literal["float16", "int8"]
    batch: Count


class MaskHeadParams(Section):
    """The class-agnostic mask head of Mask R-CNN."""

    convolutions: Count
    channels: Count


class JitterParams(Section):
    """Large-scale jitter: photos are shown so many times smaller or larger, by a factor between the two."""

    smallest: Positive
    largest: Positive

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.smallest > self.largest:
            raise ValueError("smallest must not be above largest")
        return self


class TrainParams(ProposalNetworkParams):
    """The detector and its schedule (docs/method.md, sections 4 to 6)."""

    regions_per_image: Count
    head_channels: Count
    head_width: Count
    roi_samples: Count
    rois_per_image: Count
    regressor: Literal["semantic", "plain"]
    mask_head: MaskHeadParams | None
    short_sides: tuple[Count, ...] = Field(min_length=1)
    jitter: JitterParams | None
    micro_batches: Count
    repeat_threshold: Fraction
    mixed_precision: bool
    momentum: Fraction
    weight_decay: Annotated[float, Field(ge=0)]
    clip_norm: Positive
    proposals_per_image: Annotated[int, Field(ge=0)]
    distill_factor: Annotated[float, Field(ge=0)]
    classification_loss: Literal["softmax", "seesaw"]
    checkpoint_seconds: Positive

    @model_validator(mode="after")
    def _fits_together(self) -> "TrainParams":
        if self.images_per_step % self.micro_batches:
            raise ValueError("micro_batches must divide images_per_step")
        return self


class EnsembleParams(Section):
    """Exponents of the teacher's score beside the detector's, for base and novel names (ViLD: 1/3, 2/3)."""

    base: Fraction
    novel: Fraction


class EvaluateParams(Section):
    """Scoring against all annotations, novel ones included: the only stage that reads them."""

    photos: Literal["with_boxes", "all"]
    score_threshold: Fraction
    nms_iou: Fraction
    detections_per_image: Count
    max_dets: tuple[Count, ...] = Field(min_length=1)
    ensemble: EnsembleParams | None


class ReportParams(Section):
    """The page."""

    training_photos: Count
    validation_photos: Count


class RunParams(Section):
    """Where, with how many hands and with which logs; changes no byte of any artifact.

    `stores`: URL below which the shards of `mine` and `embed` lie; else they lie in their folders.
    `watch`: what `dvc repro` looks at besides params and code: nothing, or `files` from outside the project.
    """

    workers: Annotated[int, Field(ge=0)]
    scheduler: str | None = None
    stores: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9+.-]*://.+")
    device: Literal["auto", "cpu", "cuda"]
    loggers: tuple[Logger, ...] = ()
    watch: tuple[Literal["files"], ...] = Field(max_length=1)


class Params(Section):
    """All of `params.yaml`."""

    data: DataParams
    teacher: TeacherParams
    prepare: PrepareParams
    renorm: RenormParams
    mine: MineParams
    embed: EmbedParams
    train: TrainParams
    evaluate: EvaluateParams
    report: ReportParams
    run: RunParams

    @model_validator(mode="after")
    def _shows_only_known_names(self) -> "Params":
        if self.prepare.novel_shots is not None and self.mine.names == "strict":
            raise ValueError(
                "prepare.novel_shots shows the novel names: set mine.names to known, or it to null"
            )
        return self

    @model_validator(mode="after")
    def _has_masks_to_train_on(self) -> "Params":
        if self.train.mask_head is not None and not self.prepare.masks:
            raise ValueError("train.mask_head learns from masks: set prepare.masks to true, or it to null")
        return self


def load_params(path: Path, overrides: Sequence[str] = ()) -> Params:
    """Params of `path` with `section.key=value` overrides; every error names its key.

    Raises:
        ParamsError: no such file, broken YAML, an unknown or missing key, an impossible value.
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
    try:
        return Params.model_validate(tree)
    except ValidationError as error:
        raise ParamsError(f"{source}: {first_problem(error)}") from None


def preset_text(name: str, schedule: str | None = None) -> str:
    """The YAML text of a packaged preset, with the keys of its own schedule or of the given one."""
    if name not in PRESETS:
        raise ParamsError(f"no preset is named {name!r}: choose one of {', '.join(PRESETS)}")
    return SCHEDULE_LINE.sub(lambda own: _schedule_lines(schedule or own[1]), _packaged(name))


def _schedule_lines(name: str) -> str:
    schedules = yaml.safe_load(_packaged("schedules"))
    if name not in schedules:
        raise ParamsError(f"no schedule is named {name!r}: choose one of {', '.join(schedules)}")
    return "".join(f"  {key}: {json.dumps(value)}\n" for key, value in schedules[name].items())


def _packaged(name: str) -> str:
    return (resources.files("ezsd.pipeline") / "presets" / f"{name}.yaml").read_text(encoding="utf-8")


def select(params: Params, keys: Sequence[str]) -> dict[str, Any]:
    """Plain values of the named sections or keys (`teacher`, `renorm.enlarge`), keyed by the name given."""
    tree = params.model_dump(mode="json")
    return {key: reduce(getitem, key.split("."), tree) for key in keys}
