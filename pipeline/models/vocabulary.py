"""Names to detect, and their embeddings."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from ezsd.cache.artifacts import Renormed
from ezsd.cache.atomic import write_bytes_atomic
from ezsd.cache.errors import ArtifactError
from ezsd.cache.manifest import manifest_digest
from ezsd.errors import InputError
from ezsd.mining.config import MineConfig
from ezsd.pipeline.models.detector import TrainedDetector
from ezsd.pipeline.params import Params, load_params
from ezsd.pipeline.runner import artifact_folder
from ezsd.teacher.prompts import Prompts
from ezsd.teacher.protocol import Teacher

SAME_COSINE = 0.999
"""Minimum cosine of two embeddings of a name by one teacher; devices differ in the last digits."""


def check_names(names: Sequence[str]) -> tuple[str, ...]:
    """Strip the names of blanks; raises InputError when one is empty or repeated."""
    if isinstance(names, str):
        raise InputError(f"names must be a list of texts, got the text {names!r}: put it into a list")
    cleaned = tuple(name.strip() for name in names)
    if not cleaned or not all(cleaned):
        raise InputError("a name to look for is empty: give at least one name")
    repeated = sorted({name for name in cleaned if cleaned.count(name) > 1})
    if repeated:
        raise InputError(f"the name {repeated[0]!r} is given twice: give each once")
    return cleaned


def write_embeddings(path: Path, names: Sequence[str], text_embeddings: Tensor) -> None:
    """Write an `.npz` of numpy: `names`, C texts, and `text_embeddings`, float32 `(C, D)`."""
    npz = io.BytesIO()
    np.savez(npz, names=np.array(names, dtype=str), text_embeddings=text_embeddings.cpu().float().numpy())
    write_bytes_atomic(path, npz.getvalue())


def read_embeddings(path: Path) -> tuple[tuple[str, ...], Tensor]:
    """Read a file of `write_embeddings`; returns names and embeddings `(C, D)`.

    Raises:
        InputError: it is missing or something else.
    """
    try:
        with np.load(path, allow_pickle=False) as npz:
            names, text = check_names(npz["names"].tolist()), torch.from_numpy(npz["text_embeddings"])
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise InputError(
            f"{path} is not a file of names and embeddings ({error}): write it with `ezsd-cli embed-names`"
        ) from None
    if text.dtype != torch.float32 or text.ndim != 2 or len(text) != len(names):
        raise InputError(f"{path} has {len(names)} names but {text.dtype} embeddings {tuple(text.shape)}")
    return names, text


class NamingTeacher(NamedTuple):
    """The re-normalized teacher that a detector was trained with, and how it looks at boxes.

    Attributes:
        teacher: with its tuned norm layers.
        context_factor: sides of a crop / sides of its box.
        batch: crops of a forward.
    """

    teacher: Teacher
    context_factor: float = MineConfig.context_factor
    batch: int = 256


def teacher_of_run(trained: TrainedDetector, params: Params, root: Path) -> NamingTeacher:
    """Load the teacher that the detector was trained with.

    Raises ArtifactError when the re-normalization or the teacher of the run is another.
    """
    # the teacher's import takes seconds, and only new names and an ensemble need it
    from ezsd.pipeline.models.teacher import RenormalizedTeacher
    from ezsd.pipeline.models.teacher_source import resolve_teacher, teacher_digests

    folder, source = artifact_folder(root, "renorm"), resolve_teacher(params.teacher, root)
    if manifest_digest(folder) != trained.parents["renorm"]:
        raise ArtifactError(f"{folder} is not what the detector was trained with: run `ezsd-cli train`")
    differing = {key for key, value in teacher_digests(source).items() if trained.teacher[key] != value}
    if differing - {"open_clip"}:
        raise ArtifactError("params.teacher is not what the detector was trained with: set it back")
    teacher = RenormalizedTeacher(source, Renormed(folder), params.run, params.teacher.precision)
    return NamingTeacher(teacher.load(), params.mine.context_factor, params.mine.batch)


def teacher_beside(folder: Path, trained: TrainedDetector, need: str) -> NamingTeacher:
    """As `teacher_of_run`, with the params of the run whose detector is in `folder`.

    Raises InputError, which begins with the `need`, when the folder is not one of a run.
    """
    root = folder.parent.parent
    params = root / "params.yaml"
    if artifact_folder(root, "train") != folder or not params.is_file():
        raise InputError(
            f"{need}, and {params} that describes its teacher is not there: give text_embeddings, or the "
            "re-normalized teacher to load_detector"
        )
    return teacher_of_run(trained, load_params(params, ()), root)


def embed_with(names: Sequence[str], teacher: Teacher, trained: TrainedDetector) -> Tensor:
    """Embeddings (C, D) by a teacher, with the prompts that the detector was trained with."""
    from ezsd.teacher.name_embeddings import embed_names, warn_of_cut_names

    prompts = Prompts(trained.teacher["templates"], trained.teacher["text_names"])
    warn_of_cut_names(teacher, names, prompts)
    with torch.inference_mode():
        return embed_names(teacher, names, prompts)


def require_same_embeddings(teacher: Teacher, trained: TrainedDetector) -> None:
    """Raise InputError unless the teacher reproduces the stored embedding of the detector's first name."""
    stored = trained.detector.roi_heads.classifier.text_embeddings[0].cpu()
    name = trained.split.names[0]
    if teacher.dim == len(stored):
        cosine = float(embed_with([name], teacher, trained)[0].cpu() @ stored)
        if cosine >= SAME_COSINE:
            return
    raise InputError(
        f"the teacher embeds {name!r} differently from the one that the detector was trained with: give that "
        "one, with its re-normalized norm layers"
    )
