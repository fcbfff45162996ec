"""The models that look at validation photos, as the earlier stages left them on disk."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from ezsd.cache.errors import ArtifactError
from ezsd.cache.manifest import manifest_digest
from ezsd.detector.config import Selection
from ezsd.evaluation.config import EnsembleConfig
from ezsd.evaluation.ensemble import ScoreEnsemble, teacher_weights
from ezsd.evaluation.teacher_accuracy import BoxNamer
from ezsd.pipeline.device import choose_device
from ezsd.pipeline.jobs.validation import RAW, RENORMALIZED, Models
from ezsd.pipeline.models.detector_files import read_detector
from ezsd.pipeline.models.teacher import RenormalizedTeacher, renormalized_teacher
from ezsd.pipeline.stage import StageContext
from ezsd.split import Split
from ezsd.teacher.box_encoder import BoxEncoder
from ezsd.teacher.load import load_teacher
from ezsd.teacher.protocol import Teacher


@dataclass(frozen=True)
class ModelsOnDisk:
    """Where the models lie and how they are used; `load` gives the same ones again in the same process.

    Args:
        train: artifact folder of the detector. made: digest of its manifest, which tells a process that works
            for several runs whether it still has the right one.
        teacher: the raw teacher and its re-normalization.
        split: whose names compete.
        selection: how detections are chosen.
        context_factor, batch: how the teacher's crops are cut and encoded.
        ensemble: how much the teacher's score counts beside the detector's; None to leave it out.
    """

    train: Path
    made: str
    teacher: RenormalizedTeacher
    split: Split
    selection: Selection
    context_factor: float
    batch: int
    ensemble: EnsembleConfig | None

    def load(self) -> Models:
        """The detector with all names, and both teachers. Raises ArtifactError for what is not there."""
        return _load(self)


def models_on_disk(context: StageContext, split: Split) -> ModelsOnDisk:
    """The models of a run, not loaded yet."""
    params, train = context.params, context.parent("train")
    return ModelsOnDisk(
        train=train,
        made=manifest_digest(train),
        teacher=renormalized_teacher(context),
        split=split,
        selection=params.evaluate,
        context_factor=params.mine.context_factor,
        batch=params.mine.batch,
        ensemble=params.evaluate.ensemble,
    )


@lru_cache(maxsize=1)
def _load(models: ModelsOnDisk) -> Models:
    device, record = choose_device(models.teacher.run), models.teacher.renormed.read()
    trained = read_detector(models.train)
    if trained.split != models.split or record.names != models.split.names:
        raise ArtifactError(
            f"{models.train} or {models.teacher.renormed.folder} was made for other names than the split's: "
            "run `ezsd-cli precompute` and `ezsd-cli train`"
        )
    raw, after = load_teacher(models.teacher.source).to(device), models.teacher.load()
    namer = _namer(models, after, record.text_embeddings_renormalized)
    weights = models.ensemble
    return Models(
        detector=trained.detector.to(device),
        selection=models.selection,
        teachers={RAW: _namer(models, raw, record.text_embeddings_raw), RENORMALIZED: namer},
        ensemble=ScoreEnsemble(namer, teacher_weights(weights, models.split)) if weights else None,
    )


def _namer(models: ModelsOnDisk, teacher: Teacher, text: np.ndarray) -> BoxNamer:
    return BoxNamer(BoxEncoder(teacher, models.batch), torch.from_numpy(text), models.context_factor)
