"""One pass over the validation photos: what the detector finds, and what the teachers call the true boxes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from ezsd.detector.config import Selection
from ezsd.detector.detector import Detections, ZeroShotDetector, detect
from ezsd.evaluation.coco_form import Record, as_results, score_digits, with_masks
from ezsd.evaluation.ensemble import ScoreEnsemble
from ezsd.evaluation.teacher_accuracy import BoxNamer
from ezsd.masks import paste_masks
from ezsd.pipeline.data.photos import PhotoFolder
from ezsd.pipeline.jobs.parts import PartsJob

PHOTOS_PER_SHARD = 16
RAW, RENORMALIZED = "raw", "renormalized"


class Models(NamedTuple):
    """The detector, how its detections are chosen, and the teachers by name: `RAW` and `RENORMALIZED`.

    With an ensemble, detections get its score too.
    """

    detector: ZeroShotDetector
    selection: Selection
    teachers: Mapping[str, BoxNamer]
    ensemble: ScoreEnsemble | None = None


class ModelSource(Protocol):
    """Where a worker gets its models from; travels to it, which models would do slowly."""

    def load(self) -> Models:
        """The models; the same ones when called again in the same process."""
        ...


class TrueBoxes(NamedTuple):
    """Objects of one photo, crowds left out: `boxes_xyxy` float32 (N, 4) pixels, `labels` int64 (N,)."""

    boxes_xyxy: np.ndarray
    labels: np.ndarray


class Seen(NamedTuple):
    """All that the pass saw.

    detections: COCO results, photo by photo. joint_scores: of each, where there is an ensemble, else none.
    labels: (N,) of all true boxes. said: what each teacher called them, (N,) each.
    """

    detections: list[Record]
    joint_scores: list[float]
    labels: np.ndarray
    said: dict[str, np.ndarray]


@dataclass(frozen=True)
class ValidationPass(PartsJob):
    """Looks at photos in shards; called with a shard's number it looks at it and leaves one JSON file.

    Args:
        photos: `{id, file_name, width, height}` of each photo, as COCO has them.
        true_boxes: of each photo.
        category_ids: the data set's own id of each label.
        folder: reads the photos.
        models: where the models are.
        parts: folder for what an interrupted pass leaves.
        per_shard: photos in a shard.
    """

    photos: Sequence[Record]
    true_boxes: Sequence[TrueBoxes]
    category_ids: Sequence[int]
    folder: PhotoFolder
    models: ModelSource
    parts: Path
    per_shard: int

    def __len__(self) -> int:
        return len(self.photos)

    def __call__(self, shard: int) -> dict[str, float]:
        """Look at a shard's photos."""
        models = self.models.load()
        self.publish(shard, [self._look(models, row) for row in self.rows(shard)])
        return {}

    def collect(self) -> Seen:
        """Join the shards' files; all shards must have been looked at."""
        seen = [photo for part in self.read_all() for photo in part]
        return Seen(
            [detection for photo in seen for detection in photo["detections"]],
            [score for photo in seen for score in photo["joint_scores"]],
            np.concatenate([np.zeros(0, np.int64), *(boxes.labels for boxes in self.true_boxes)]),
            {
                teacher: np.array([label for photo in seen for label in photo["said"][teacher]], np.int64)
                for teacher in (RAW, RENORMALIZED)
            },
        )

    @torch.inference_mode()
    def _look(self, models: Models, row: int) -> dict[str, Any]:
        photo, boxes = self.photos[row], torch.from_numpy(self.true_boxes[row].boxes_xyxy)
        pixels = self.folder.decode(photo["file_name"], (photo["width"], photo["height"]))
        device = next(models.detector.parameters()).device
        (found,) = detect(models.detector, [pixels.to(device)], models.selection)
        detections = as_results(photo["id"], found.boxes_xyxy, found.scores, found.labels, self.category_ids)
        if found.mask_probabilities is not None:
            size_hw = (photo["height"], photo["width"])
            masks = paste_masks(found.mask_probabilities, found.boxes_xyxy, size_hw)
            detections = with_masks(detections, masks)
        return {
            "detections": detections,
            "joint_scores": _joint_scores(models.ensemble, pixels, found),
            "said": {name: teacher.name(pixels, boxes).tolist() for name, teacher in models.teachers.items()},
        }


def _joint_scores(ensemble: ScoreEnsemble | None, pixels: Tensor, found: Detections) -> list[float]:
    if ensemble is None:
        return []
    return score_digits(ensemble.rescore(pixels, found.boxes_xyxy, found.scores, found.labels))
