"""Finds the files of the teacher that `params.teacher` names, and their digests. Loads no network."""

import hashlib
import os
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ezsd.cache.atomic import sha256_file
from ezsd.errors import InputError
from ezsd.pipeline.errors import at_key
from ezsd.pipeline.models import BUNDLED, RANDOM, TAG
from ezsd.pipeline.params import TeacherParams
from ezsd.teacher.source import (
    BUNDLED_MODEL,
    TeacherSource,
    bundled_config,
    bundled_weights,
    download_weights,
    read_config,
)

if TYPE_CHECKING:
    from ezsd.teacher.protocol import Teacher


def resolve_teacher(params: TeacherParams, root: Path) -> TeacherSource:
    """Find config and weights; relative paths start at `root`.

    `model` is an open_clip architecture, `world-teacher`, or the path of a config that ends in `.json`;
    `weights` is `bundled`, `random`, `tag:<published weights>`, or the path of a file.

    Raises:
        InputError: the config or the weights do not exist.
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


def teacher_digests(source: TeacherSource) -> dict[str, Any]:
    """Digests and versions that determine the teacher's embeddings besides the params."""
    if source.factory is not None:
        from ezsd.teacher.load import load_teacher  # torch: the digests of files need none

        return {"factory": source.factory, "weights": weights_digest(load_teacher(source))}
    weights = sha256_file(Path(source.weights_file)) if source.weights_file else f"random:{source.seed}"
    config = hashlib.sha256((source.config_text or source.model).encode()).hexdigest()
    return {"weights": weights, "config": config, "open_clip": version("open_clip_torch")}


def weights_digest(teacher: "Teacher") -> str:
    """SHA-256 over names and bytes of both towers' parameters and buffers."""
    digest = hashlib.sha256()
    for prefix, tower in (("image", teacher.image_tower), ("text", teacher.text_tower)):
        for name, value in tower.state_dict().items():
            digest.update(f"{prefix}.{name}\0".encode() + value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


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
            f"teacher.weights {path} is not a file: give bundled, random, tag:NAME or the path of a file"
        )
    return str(path)
