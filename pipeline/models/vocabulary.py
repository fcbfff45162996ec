"""Names that a user asks for, and their embeddings."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from ezsd.cache.artifacts import Renormed
from ezsd.cache.errors import ArtifactError
from ezsd.cache.manifest import manifest_digest
from ezsd.errors import InputError
from ezsd.pipeline.models.detector import TrainedDetector
from ezsd.pipeline.params import Params
from ezsd.pipeline.runner import artifact_folder
from ezsd.teacher.prompts import Prompts


def check_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names without blanks around them; raises InputError when one is empty or repeated."""
    cleaned = tuple(name.strip() for name in names)
    if not cleaned or not all(cleaned):
        raise InputError("a name to look for is empty: give at least one, separated by commas")
    repeated = sorted({name for name in cleaned if cleaned.count(name) > 1})
    if repeated:
        raise InputError(f"the name {repeated[0]!r} is given twice: give each once")
    return cleaned


def embed_vocabulary(names: Sequence[str], trained: TrainedDetector, params: Params, root: Path) -> Tensor:
    """(C, D) by the text tower that the detector was trained with; the teacher is loaded for it.

    Raises ArtifactError when the re-normalization or the teacher is not what the detector was trained with.
    """
    # the teacher's import takes seconds, and only new names need it
    from ezsd.pipeline.models.teacher import RenormalizedTeacher, resolve_teacher, teacher_digests
    from ezsd.teacher.name_embeddings import embed_names, warn_of_cut_names

    folder, source = artifact_folder(root, "renorm"), resolve_teacher(params.teacher, root)
    if manifest_digest(folder) != trained.parents["renorm"]:
        raise ArtifactError(f"{folder} is not what the detector was trained with: run `ezsd-cli train`")
    differing = {key for key, value in teacher_digests(source).items() if trained.teacher[key] != value}
    if differing - {"open_clip"}:
        raise ArtifactError("params.teacher is not what the detector was trained with: set it back")
    teacher = RenormalizedTeacher(source, Renormed(folder), params.run).load()
    prompts = Prompts(trained.teacher["templates"], trained.teacher["text_names"])
    warn_of_cut_names(teacher, names, prompts)
    with torch.inference_mode():
        return embed_names(teacher, names, prompts)
