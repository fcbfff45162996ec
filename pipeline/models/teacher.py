"""Loads the re-normalized teacher, once per process, and the prompts that `params.teacher` names."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from ezsd.cache.artifacts import Renormed
from ezsd.cache.checked import read_checked
from ezsd.cache.errors import ArtifactError
from ezsd.config import Precision
from ezsd.pipeline.device import choose_device
from ezsd.pipeline.models.teacher_source import resolve_teacher, teacher_digests
from ezsd.pipeline.params import RunParams, TeacherParams
from ezsd.pipeline.stage import StageContext
from ezsd.renorm.norm_layers import load_norm_state
from ezsd.teacher.load import load_teacher
from ezsd.teacher.name_embeddings import template_set
from ezsd.teacher.precision import in_precision, used_precision
from ezsd.teacher.prompts import Prompts
from ezsd.teacher.protocol import Teacher
from ezsd.teacher.source import TeacherSource

logger = logging.getLogger(__name__)

_FIX = "run: ezsd-cli precompute --only renorm"


def prompts_of(params: TeacherParams) -> Prompts:
    """The prompt templates and text names of the params."""
    chosen = params.templates
    return Prompts(template_set(chosen) if isinstance(chosen, str) else chosen, params.text_names)


@dataclass(frozen=True)
class RenormalizedTeacher:
    """Loads the teacher in a worker: sources are sent to workers, models are not.

    Attributes:
        source: the raw teacher.
        renormed: artifact with its tuned norm layers.
        run: for the device.
        precision: that is asked for; :attr:`used_precision` is what the device takes.
    """

    source: TeacherSource
    renormed: Renormed
    run: RunParams
    precision: Precision = "float32"

    @property
    def used_precision(self) -> Precision:
        """The precision of the image tower's forwards on the device of the run."""
        return used_precision(self.precision, choose_device(self.run))

    def load(self) -> Teacher:
        """Return the teacher with its tuned norm layers, the same one on each call in a process.

        Raises ArtifactError when the re-normalization is missing or damaged.
        """
        norms = read_checked(self.renormed.norms, _FIX)
        return _load(self.source, norms, choose_device(self.run), self.used_precision)

    def load_raw(self) -> Teacher:
        """Return the teacher as it is without re-normalization, a new one on each call."""
        return in_precision(load_teacher(self.source).to(choose_device(self.run)), self.used_precision)


def renormalized_teacher(context: StageContext) -> RenormalizedTeacher:
    """The teacher of mining, embedding and evaluation.

    Raises ArtifactError when the re-normalization is missing, or was made from another teacher.
    """
    params, renormed = context.params.teacher, Renormed(context.parent("renorm"))
    source = resolve_teacher(params, context.root)
    _require_same(teacher_digests(source), renormed)
    teacher = RenormalizedTeacher(source, renormed, context.params.run, params.precision)
    if teacher.used_precision != params.precision:
        logger.warning(
            "the teacher computes in %s: %s is for a GPU", teacher.used_precision, params.precision
        )
    return teacher


def _require_same(digests: Mapping[str, Any], renormed: Renormed) -> None:
    recorded = renormed.read().teacher
    for what, digest in digests.items():
        if recorded.get(what) != digest:
            raise ArtifactError(
                f"the teacher's {what} changed after {renormed.record} was made from it; {_FIX}"
            )


@lru_cache(maxsize=1)
def _load(source: TeacherSource, norms: bytes, device: torch.device, precision: Precision) -> Teacher:
    teacher = load_teacher(source)
    try:
        load_norm_state(teacher, load(norms))
    except SafetensorError as error:
        raise ArtifactError(f"norms.safetensors is damaged; {_FIX}") from error
    return in_precision(teacher.to(device), precision)
