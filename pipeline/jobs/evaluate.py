"""The work of `evaluate`: detections and teacher labels on the validation photos."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from ezsd.cache.errors import ArtifactError
from ezsd.cache.manifest import manifest_digest
from ezsd.detector.config import Selection
from ezsd.detector.detector import Detections, ZeroShotDetector, detect
from ezsd.evaluation.coco_form import Record, as_results, score_digits, with_masks
from ezsd.evaluation.config import EnsembleConfig, ProbingConfig
from ezsd.evaluation.diagnostics import BoxNamer
from ezsd.evaluation.ensemble import ScoreEnsemble, teacher_weights
from ezsd.masks import paste_masks
from ezsd.pipeline.data.validation_photos import ValidationPhotos
from ezsd.pipeline.device import choose_device
from ezsd.pipeline.jobs.job import PartsJob
from ezsd.pipeline.models.detector import read_detector
from ezsd.pipeline.models.teacher import RenormalizedTeacher, renormalized_teacher
from ezsd.pipeline.models.vocabulary import read_embeddings
from ezsd.pipeline.stage import StageContext
from ezsd.split import Split
from ezsd.teacher.box_encoder import BoxEncoder
from ezsd.teacher.protocol import Teacher

PHOTOS_PER_SHARD = 4
RAW, RENORMALIZED = "raw", "renormalized"
CLASSIFIER = "classifier.npz"
"""With probing: names and the weights that find them, in place of text embeddings."""


class Models(NamedTuple):
    """The detector, how its detections are chosen, and the teachers by name: `RAW` and `RENORMALIZED`.

    With an ensemble, detections get its score too.
    """

    detector: ZeroShotDetector
    selection: Selection
    teachers: Mapping[str, BoxNamer]
    ensemble: ScoreEnsemble | None = None


class ModelSource(Protocol):
    """Loads the models in a worker: sources are sent to workers, models are not."""

    def load(self) -> Models:
        """Return the models, the same ones on each call in a process."""
        ...


class PassResult(NamedTuple):
    """Result of the pass over all photos.

    Attributes:
        detections: COCO results, photo by photo.
        joint_scores: ensemble score of each detection; empty without an ensemble.
        labels: (N,) int64 of all ground truth boxes.
        student_labels: (N,) int64, the detector's label of each of these boxes.
        teacher_labels: by teacher, (N,) int64, its label of each.
    """

    detections: list[Record]
    joint_scores: list[float]
    labels: np.ndarray
    student_labels: np.ndarray
    teacher_labels: dict[str, np.ndarray]


@dataclass(frozen=True)
class ValidationPass(PartsJob):
    """Runs all models on the photos in shards, with one JSON file per shard.

    Attributes:
        photos: with their ground truth boxes.
        models: loads the models.
        parts: folder of the shards' files.
        per_shard: photos in a shard.
    """

    photos: ValidationPhotos
    models: ModelSource
    parts: Path
    per_shard: int

    def __len__(self) -> int:
        return len(self.photos)

    def __call__(self, shard: int) -> dict[str, float]:
        """Run the models on a shard's photos and publish the results."""
        models = self.models.load()
        self.publish(shard, [self._run_models(models, row) for row in self.rows(shard)])
        return {}

    def collect(self) -> PassResult:
        """Join the shards' files; all shards must be done."""
        seen = [photo for part in self.read_all() for photo in part]
        students = [label for photo in seen for label in photo["student_labels"]]
        return PassResult(
            [detection for photo in seen for detection in photo["detections"]],
            [score for photo in seen for score in photo["joint_scores"]],
            self.photos.labels(),
            np.array(students, np.int64),
            {
                teacher: np.array(
                    [label for photo in seen for label in photo["teacher_labels"][teacher]], np.int64
                )
                for teacher in (RAW, RENORMALIZED)
            },
        )

    def detections_of(self, models: Models, row: int, pixels: Tensor) -> Detections:
        """What is scored: the detector's detections of a photo, uint8 (3, H, W)."""
        (found,) = detect(models.detector, [pixels.to(_device_of(models))], models.selection)
        return found

    @torch.inference_mode()
    def _run_models(self, models: Models, row: int) -> dict[str, Any]:
        pixels, boxes_xyxy = self.photos.photo(row), self.photos.objects_xyxy(row)
        found = self.detections_of(models, row, pixels)
        return {
            "detections": self._results(row, found),
            "joint_scores": _joint_scores(models.ensemble, pixels, found),
            "student_labels": models.detector.name(pixels.to(_device_of(models)), boxes_xyxy).tolist(),
            "teacher_labels": {
                name: teacher.name(pixels, boxes_xyxy).tolist() for name, teacher in models.teachers.items()
            },
        }

    def _results(self, row: int, found: Detections) -> list[Record]:
        image_id, category_ids = self.photos.image_id(row), self.photos.category_ids
        results = as_results(image_id, found.boxes_xyxy, found.scores, found.labels, category_ids)
        if found.mask_probabilities is None:
            return results
        masks = paste_masks(found.mask_probabilities, found.boxes_xyxy, self.photos.size_hw(row))
        return with_masks(results, masks)


def _device_of(models: Models) -> torch.device:
    return next(models.detector.parameters()).device


def _joint_scores(ensemble: ScoreEnsemble | None, pixels: Tensor, found: Detections) -> list[float]:
    if ensemble is None:
        return []
    return score_digits(ensemble.rescore(pixels, found.boxes_xyxy, found.scores, found.labels))


@dataclass(frozen=True)
class ModelsOnDisk:
    """Files of the models and how the models are used.

    Attributes:
        train: artifact folder of the detector.
        made: digest of its manifest; a process that serves several runs reloads the models when it changes.
        teacher: the raw teacher and its re-normalization.
        split: the vocabulary.
        selection: how detections are chosen.
        context_factor, batch: how the teacher's crops are cut and encoded.
        ensemble: weight of the teacher's score beside the detector's; None for the detector alone.
        probing: how the detector's classifier was made from proposals; None for text embeddings.
        classifier: file of `write_embeddings` with that classifier.
    """

    train: Path
    made: str
    teacher: RenormalizedTeacher
    split: Split
    selection: Selection
    context_factor: float
    batch: int
    ensemble: EnsembleConfig | None
    probing: ProbingConfig | None
    classifier: Path

    def load(self) -> Models:
        """Return the detector with all names, and both teachers, the same ones on each call in a process.

        Raises ArtifactError when an artifact is missing or damaged.
        """
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
        probing=params.evaluate.probing,
        classifier=context.folder / CLASSIFIER,
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
    if models.probing is not None:
        trained.detector.set_vocabulary(read_embeddings(models.classifier)[1])
    raw, after = models.teacher.load_raw(), models.teacher.load()
    namer = _namer(models, after, record.text_embeddings_renormalized)
    return Models(
        detector=trained.detector.to(device),
        selection=models.selection,
        teachers={RAW: _namer(models, raw, record.text_embeddings_raw), RENORMALIZED: namer},
        ensemble=_ensemble(models, namer),
    )


def _ensemble(models: ModelsOnDisk, namer: BoxNamer) -> ScoreEnsemble | None:
    if models.ensemble is None:
        return None
    return ScoreEnsemble(namer, teacher_weights(models.ensemble, models.split.names, models.split.base))


def _namer(models: ModelsOnDisk, teacher: Teacher, text: np.ndarray) -> BoxNamer:
    return BoxNamer(BoxEncoder(teacher, models.batch), torch.from_numpy(text), models.context_factor)
