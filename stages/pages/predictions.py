"""`ezsd-cli predict`: finds any names in any photos, one after the other."""

import io
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ezsd.api.detector import Detector
from ezsd.api.results import Detections
from ezsd.cache.manifest import require_complete
from ezsd.detector.config import Selection
from ezsd.errors import InputError
from ezsd.evaluation.coco_form import with_masks
from ezsd.evaluation.config import EnsembleConfig
from ezsd.evaluation.ensemble import teacher_weights
from ezsd.masks import paste_masks
from ezsd.photo_files import NamedPhoto, PhotoFile, read_files
from ezsd.pipeline.device import choose_device
from ezsd.pipeline.models.detector import read_detector
from ezsd.pipeline.models.vocabulary import teacher_of_run
from ezsd.pipeline.params import Params
from ezsd.pipeline.runner import artifact_folder

LOOKED_BELOW = 0.1
"""Part of the threshold down to which scores are looked at, to report what was nearly found."""
MOST_LOOKED_AT = 1000
"""Detections of a photo before the thresholds of names are applied."""
MOST_RESCORED = 100
"""Detections of a photo that an ensemble's teacher looks at, a crop a box; COCO counts as many."""


@dataclass(frozen=True)
class Wanted:
    """What to look for.

    Attributes:
        names: with or without boxes in training.
        threshold: detections have a higher score.
        of_names: thresholds of some names, which replace `threshold`.
        best: largest number of detections of a photo.
        text_embeddings: (C, D) of the names; None for the detector's own.
        ensemble: whether and how the teacher scores detections too; thresholds are for the joint scores then.
    """

    names: Sequence[str]
    threshold: float
    of_names: Mapping[str, float]
    best: int
    text_embeddings: torch.Tensor | None = None
    ensemble: EnsembleConfig | None = None

    def __post_init__(self) -> None:
        if unknown := [name for name in self.of_names if name not in self.names]:
            raise InputError(f"there is a threshold for {unknown[0]!r}, which is not among the names: add it")

    def thresholds(self) -> torch.Tensor:
        """(C,) of each name."""
        return torch.tensor([self.of_names.get(name, self.threshold) for name in self.names])

    def selection(self, base: Collection[str]) -> Selection:
        """What the detector has to find so that nothing above a threshold is missed.

        Args:
            base: names that had boxes in training.
        """
        lowest, most = LOOKED_BELOW * self.thresholds(), self.best
        if self.ensemble is not None:
            # the teacher's score t is at most 1: d ** (1 - w) * t ** w >= s needs d >= s ** (1 / (1 - w))
            lowest = lowest ** (1 / (1 - teacher_weights(self.ensemble, self.names, base)))
            most = max(self.best, MOST_RESCORED)
        elif self.of_names:
            most = max(self.best, MOST_LOOKED_AT)
        return Selection(score_threshold=float(lowest.min()), detections_per_image=most)


@dataclass(frozen=True)
class Prediction:
    """What was found in one photo.

    Attributes:
        photo: its pixels and name.
        found: best first.
        detections: the same as `{name, score, box_xyxy, trained}`; boxes in pixels of the photo, score in
            0..1, `trained`: whether the name had boxes in training. A detector with a mask head adds
            `segmentation`, COCO's run lengths.
        nearly: name and score of the best below its threshold; None if nothing was near it.
    """

    photo: NamedPhoto
    found: Detections
    detections: Sequence[Mapping[str, Any]]
    nearly: tuple[str, float] | None

    def record(self) -> dict[str, Any]:
        """`{photo, detections}` in plain values; a frame of a video adds `frame`, its number."""
        frame = {} if self.photo.frame is None else {"frame": self.photo.frame}
        return {"photo": str(self.photo.path), **frame, "detections": self.detections}


def open_detector(params: Params, root: Path) -> Detector:
    """The detector of a run.

    Args:
        params: of the run; new names and an ensemble load its teacher.
        root: folder of `params.yaml`.

    Raises:
        ArtifactError: the detector is missing or damaged.
    """
    folder = artifact_folder(root, "train")
    require_complete(folder, "run `ezsd-cli train`")
    trained = read_detector(folder)
    return Detector(trained, lambda need: teacher_of_run(trained, params, root), choose_device(params.run))


def predict(
    detector: Detector,
    files: Sequence[PhotoFile],
    wanted: Wanted,
    every: int,
    batch: int,
    skip: Callable[[InputError], None],
) -> Iterator[Prediction]:
    """Find names in photos and in frames of videos, in order; memory does not grow with their number.

    Args:
        detector: finds them.
        files: photos and videos.
        wanted: names and thresholds.
        every: of a video, each frame whose number it divides.
        batch: number of photos in memory; on a GPU, those of one size run together.
        skip: called with the error of each file that cannot be read.

    Raises:
        ArtifactError: for new names, the re-normalization is missing, damaged or of another run.
        InputError: a name is empty or repeated, or there is no teacher for new names.
    """
    thresholds = wanted.thresholds()
    waiting: deque[NamedPhoto] = deque()

    def pixels() -> Iterator[torch.Tensor]:
        for photo in read_files(files, every, batch, skip):
            waiting.append(photo)
            yield photo.pixels

    def select(everything: Detections) -> Prediction:
        found = everything.above(thresholds)[: wanted.best]
        nearly = None
        if not len(found) and len(everything):
            nearly = (everything.names[everything.labels[0]], float(everything.scores[0]))
        return Prediction(waiting.popleft(), found, _records(found, detector.trained_names), nearly)

    found = detector.stream(
        pixels(),
        wanted.names,
        text_embeddings=wanted.text_embeddings,
        selection=wanted.selection(detector.base_names),
        ensemble=wanted.ensemble,
        batch=batch,
    )
    return map(select, found)


def as_png(picture: Image.Image) -> bytes:
    """Bytes of a PNG file."""
    png = io.BytesIO()
    picture.save(png, format="PNG")
    return png.getvalue()


def _records(found: Detections, trained_names: Sequence[str]) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = [
        {
            "name": found.names[label],
            "score": round(score, 6),
            "box_xyxy": [round(side, 2) for side in box_xyxy],
            "trained": found.names[label] in trained_names,
        }
        for label, score, box_xyxy in zip(
            found.labels.tolist(), found.scores.tolist(), found.boxes_xyxy.tolist(), strict=True
        )
    ]
    if found.mask_probabilities is None:
        return records
    return with_masks(records, paste_masks(found.mask_probabilities, found.boxes_xyxy, found.original_size))
