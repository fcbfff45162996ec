"""Loads a trained detector from where it lies."""

from functools import partial
from pathlib import Path

import torch

from ezsd.api.detector import Detector
from ezsd.cache.folders import INCOMPLETE, MANIFEST
from ezsd.cache.manifest import require_complete
from ezsd.pipeline.models.detector import read_detector
from ezsd.pipeline.models.vocabulary import NamingTeacher, require_same_embeddings, teacher_beside
from ezsd.pipeline.runner import artifact_folder
from ezsd.teacher.protocol import Teacher


def load_detector(
    path: str | Path, *, teacher: Teacher | None = None, device: str | torch.device | None = None
) -> Detector:
    """Load the detector that `train` wrote.

    Args:
        path: folder of a run, its `artifacts/train`, or the file `detector.safetensors`, with
            `detector.json` beside it, anywhere.
        teacher: the re-normalized teacher that it was trained with, to embed new names and for an ensemble.
            By default the one of the run's `params.yaml` and `artifacts/renorm`, loaded on first use.
        device: where it runs; when None, a GPU if there is one.

    Raises:
        ArtifactError: there is no finished detector, or a damaged one.
        InputError: `teacher` is not the one that the detector was trained with.
    """
    folder = _detector_folder(Path(path).resolve())
    trained = read_detector(folder)
    if teacher is not None:
        require_same_embeddings(teacher, trained)
    naming = partial(teacher_beside, folder, trained) if teacher is None else lambda _: NamingTeacher(teacher)
    return Detector(trained, naming, torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu")))


def _detector_folder(path: Path) -> Path:
    """The folder that holds weights and card; complete if it is an artifact."""
    if path.is_file():
        return path.parent
    inside = artifact_folder(path, "train")
    folder = inside if inside.is_dir() else path
    if any((folder / record).exists() for record in (MANIFEST, INCOMPLETE)):
        require_complete(folder, "run `ezsd-cli train`")
    return folder
