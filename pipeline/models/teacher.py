"""Which teacher `params.teacher` means, on this machine; and that teacher, loaded once a process."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors import SafetensorError
from safetensors.torch import load

from ezsd.cache.artifacts import Renormed
from ezsd.cache.atomic import sha256_file
from ezsd.cache.checked import read_checked
from ezsd.cache.errors import ArtifactError
from ezsd.errors import InputError
from ezsd.pipeline.device import choose_device
from ezsd.pipeline.errors import at_key
from ezsd.pipeline.outside import BUNDLED, RANDOM, TAG
from ezsd.pipeline.params import RunParams, TeacherParams
from ezsd.pipeline.stage import StageContext
from ezsd.renorm.norm_layers import load_norm_state
from ezsd.teacher.load import (
    BUNDLED_MODEL,
    TeacherSource,
    bundled_config,
    bundled_weights,
    download_weights,
    load_teacher,
    read_config,
)
from ezsd.teacher.name_embeddings import template_set
from ezsd.teacher.prompts import Prompts
from ezsd.teacher.protocol import Teacher

_FIX = "run: ezsd-cli precompute --only renorm"


def resolve_teacher(params: TeacherParams, root: Path) -> TeacherSource:
    """Finds config and weights; relative paths start at `root`.

    `model` is an open_clip architecture, `world-teacher`, or the path of a config that ends in `.json`;
    `weights` is `bundled`, `random`, `tag:<published weights>`, or the path of a file.

    Raises:
        InputError: something is not there.
    """
    if params.factory is not None:
        return TeacherSource(params.model, factory=params.factory)
    tag = params.weights.removeprefix(TAG) if params.weights.startswith(TAG) else None
    return TeacherSource(
        model=params.model,
        config_text=_config_text(params.model, root),
        weights_file=_weights_file(params, tag, root),
        tag=tag,
        seed=params.seed,
    )


def prompts_of(params: TeacherParams) -> Prompts:
    """What the teacher reads for names."""
    chosen = params.templates
    return Prompts(template_set(chosen) if isinstance(chosen, str) else chosen, params.text_names)


def teacher_digests(source: TeacherSource) -> dict[str, Any]:
    """What decides the teacher's answers besides the params: hashes of its weights and config, versions."""
    if source.factory is not None:
        return {"factory": source.factory, "weights": weights_digest(load_teacher(source))}
    weights = sha256_file(Path(source.weights_file)) if source.weights_file else f"random:{source.seed}"
    config = hashlib.sha256((source.config_text or source.model).encode()).hexdigest()
    return {"weights": weights, "config": config, "open_clip": open_clip.__version__}


def weights_digest(teacher: Teacher) -> str:
    """SHA-256 over names and bytes of both towers' parameters and buffers."""
    digest = hashlib.sha256()
    for prefix, tower in (("image", teacher.image_tower), ("text", teacher.text_tower)):
        for name, value in tower.state_dict().items():
            digest.update(f"{prefix}.{name}\0".encode() + value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class RenormalizedTeacher:
    """Says which teacher; travels to workers, which models would do slowly.

    Args:
        source: the raw teacher.
        renormed: where its tuned norm layers are.
        run: says which device.
    """

    source: TeacherSource
    renormed: Renormed
    run: RunParams

    def load(self) -> Teacher:
        """The teacher with its tuned norm layers; the same one when asked again in the same process.

        Raises ArtifactError when the re-normalization is missing or damaged.
        """
        norms = read_checked(self.renormed.norms, _FIX)
        return _load(self.source, norms, choose_device(self.run))


def renormalized_teacher(context: StageContext) -> RenormalizedTeacher:
    """The teacher that mining, embedding and evaluation ask.

    Raises ArtifactError when it is no longer the one that was re-normalized, whose norm layers would not fit
    it, or when the re-normalization is missing.
    """
    source, renormed = (
        resolve_teacher(context.params.teacher, context.root),
        Renormed(context.parent("renorm")),
    )
    _require_same(teacher_digests(source), renormed)
    return RenormalizedTeacher(source, renormed, context.params.run)


def _require_same(digests: Mapping[str, Any], renormed: Renormed) -> None:
    recorded = renormed.read().teacher
    for what, digest in digests.items():
        if recorded.get(what) != digest:
            raise ArtifactError(
                f"the teacher's {what} changed after {renormed.record} was made from it; {_FIX}"
            )


@lru_cache(maxsize=1)
def _load(source: TeacherSource, norms: bytes, device: torch.device) -> Teacher:
    teacher = load_teacher(source)
    try:
        load_norm_state(teacher, load(norms))
    except SafetensorError as error:
        raise ArtifactError(f"norms.safetensors is damaged; {_FIX}") from error
    return teacher.to(device)


def _config_text(model: str, root: Path) -> str | None:
    if model == BUNDLED_MODEL:
        return bundled_config()
    if not model.endswith(".json"):
        return None
    with at_key("teacher.model"):
        return read_config(root / model)


def _weights_file(params: TeacherParams, tag: str | None, root: Path) -> str | None:
    if params.weights == RANDOM:
        return None
    if tag is not None:
        with at_key("teacher.weights"):
            return download_weights(params.model, tag)
    if params.weights == BUNDLED:
        if params.model != BUNDLED_MODEL:
            raise InputError(
                f"teacher.weights bundled belong to teacher.model {BUNDLED_MODEL}, not {params.model}"
            )
        return bundled_weights()
    path = root / params.weights
    if not os.path.isfile(path):
        raise InputError(
            f"teacher.weights {path} is no file: give bundled, random, tag:NAME or the path of a weights file"
        )
    return str(path)
