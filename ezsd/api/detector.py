"""The public detector: finds names in photos."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ezsd.api.ensemble import make_ensemble, rescore
from ezsd.api.results import Detections
from ezsd.detector import detector
from ezsd.detector.config import Selection
from ezsd.errors import InputError
from ezsd.evaluation.config import EnsembleConfig
from ezsd.evaluation.ensemble import ScoreEnsemble
from ezsd.photo_files import find_files, names_several, read_files
from ezsd.photos import Photo, as_photo
from ezsd.pipeline.models.detector import TrainedDetector
from ezsd.pipeline.models.vocabulary import (
    NamingTeacher,
    check_names,
    embed_with,
)

Photos = list[str] | list[Path] | list[Image.Image] | list[np.ndarray] | list[Tensor] | list[Photo]
"""Several photos; a list is invariant, so a list of paths is no list of `Photo`."""

GPU_BATCH = 8
"""Photos that a GPU takes together; a CPU is not faster with several."""

LoadTeacher = Callable[[str], NamingTeacher]
"""Gives the teacher; the argument says what needs it, for the error where there is none."""


class Detector:
    """A trained detector; the names to find are an argument of `predict`.

    Attributes:
        names: default names: base and novel names of its split.
        base_names: those that have boxes.
        trained_names: those that had boxes in training: base names, and novel ones with shots.
        embedding_dim: D, the length of a text embedding.
        batch: photos of one size that run together by default.
    """

    def __init__(self, trained: TrainedDetector, teacher: LoadTeacher, device: torch.device) -> None:
        """Built by `load_detector`.

        Args:
            trained: network and names; the network is moved to `device`.
            teacher: called for names whose embeddings are not stored with the detector, and for an ensemble.
            device: where it runs.
        """
        self.names = trained.split.names
        self.base_names = trained.split.base
        self.trained_names = trained.split.labelled
        self.embedding_dim = trained.detector.embedding_dim
        self._network = trained.detector.to(device)
        self._device = device
        self.batch = GPU_BATCH if device.type == "cuda" else 1
        self._trained = trained
        self._teacher = teacher
        stored = self._network.roi_heads.classifier.text_embeddings
        self._embeddings = dict(zip(self.names, stored, strict=True))

    @overload
    def predict(
        self,
        photo: Image.Image | np.ndarray | Tensor,
        names: Sequence[str] | None = None,
        *,
        text_embeddings: Tensor | None = None,
        selection: Selection | None = None,
        ensemble: EnsembleConfig | None = None,
    ) -> Detections: ...

    @overload
    def predict(
        self,
        photo: Photos,
        names: Sequence[str] | None = None,
        *,
        text_embeddings: Tensor | None = None,
        selection: Selection | None = None,
        ensemble: EnsembleConfig | None = None,
    ) -> list[Detections]: ...

    @overload
    def predict(
        self,
        photo: str | Path,
        names: Sequence[str] | None = None,
        *,
        text_embeddings: Tensor | None = None,
        selection: Selection | None = None,
        ensemble: EnsembleConfig | None = None,
    ) -> Any: ...

    def predict(
        self,
        photo: Any,
        names: Sequence[str] | None = None,
        *,
        text_embeddings: Tensor | None = None,
        selection: Selection | None = None,
        ensemble: EnsembleConfig | None = None,
    ) -> Any:
        """Find names in a photo, in several photos, or in the photos of a folder.

        Embeddings of the split's names are stored with the detector. Other names are embedded by the
        re-normalized teacher that the detector was trained with, which is loaded on first use.

        Args:
            photo: a path, a PIL image, RGB uint8 as a numpy array `(H, W, 3)` or a tensor `(3, H, W)`; or a
                list of these; or the path of a folder or video, or a glob such as `photos/*.jpg`, whose
                photos or frames are taken in order. `stream` holds fewer of them in memory.
            names: names to find, also without boxes in training; the split's names when None.
            text_embeddings: float `(C, D)` of the names, to use instead of the teacher's.
            selection: thresholds; the paper's when None: any score, NMS at 0.5, at most 300 a photo.
            ensemble: lets the teacher score each selected detection too, which takes a crop of each box, and
                sorts by the joint score; None for the detector alone.

        Returns:
            `Detections` of a photo; a list of them for a list, folder, glob or video.

        Raises:
            InputError: a photo cannot be read or has another shape or dtype, a name is empty or listed twice,
                `text_embeddings` have another shape, or there is no teacher for new names or the ensemble.
            ArtifactError: the re-normalization beside the detector is missing, damaged or another.
        """
        stream = partial(
            self.stream,
            names=names,
            text_embeddings=text_embeddings,
            selection=selection,
            ensemble=ensemble,
        )
        if isinstance(photo, str | Path) and names_several(photo):
            return list(stream(one.pixels for one in read_files(find_files([photo]), 1, 1, _raise)))
        if isinstance(photo, list | tuple):
            return list(stream(photo))
        return next(stream([photo]))

    def stream(
        self,
        photos: Iterable[Photo],
        names: Sequence[str] | None = None,
        *,
        text_embeddings: Tensor | None = None,
        selection: Selection | None = None,
        ensemble: EnsembleConfig | None = None,
        batch: int | None = None,
    ) -> Iterator[Detections]:
        """Find names in photos, a batch after the other: memory does not grow with their number.

        Args:
            photos: any iterable, such as a generator; photos are taken from it as they are needed.
            names: as in `predict`.
            text_embeddings: as in `predict`.
            selection: as in `predict`.
            ensemble: as in `predict`.
            batch: number of photos in memory; those of one size run together,
                which changes results by rounding only. `self.batch` when None.

        Returns:
            `Detections` of each photo, in order. Raises as `predict`, of photos when they are reached.
        """
        wanted = self.names if names is None else check_names(names)
        if text_embeddings is None:
            text_embeddings = self.embed(wanted)
        elif text_embeddings.shape != (len(wanted), self.embedding_dim):
            raise InputError(
                f"text_embeddings must have shape ({len(wanted)}, {self.embedding_dim}), a row a name, "
                f"got {tuple(text_embeddings.shape)}"
            )
        joint = None if ensemble is None else self._ensemble(ensemble, wanted, text_embeddings)
        groups = _batches(map(as_photo, photos), batch or self.batch)
        return (
            one for group in groups for one in self._find(group, wanted, text_embeddings, selection, joint)
        )

    def _find(
        self,
        photos: Sequence[Tensor],
        names: tuple[str, ...],
        text: Tensor,
        selection: Selection | None,
        ensemble: ScoreEnsemble | None,
    ) -> list[Detections]:
        """Detections of each photo. Only photos of one size run together: padding changes what is found."""
        self._network.set_vocabulary(text)
        sizes = [(photo.shape[1], photo.shape[2]) for photo in photos]
        found: dict[int, Detections] = {}
        for size in dict.fromkeys(sizes):
            rows = [row for row, other in enumerate(sizes) if other == size]
            together = detector.detect(
                self._network, [photos[row].to(self._device) for row in rows], selection
            )
            found |= {row: _public(one, names, size) for row, one in zip(rows, together, strict=True)}
        if ensemble is not None:
            found = {row: rescore(one, photos[row], ensemble) for row, one in found.items()}
        return [found[row] for row in range(len(photos))]

    def _ensemble(self, config: EnsembleConfig, names: tuple[str, ...], text: Tensor) -> ScoreEnsemble:
        stored = {name: self._embeddings[name] for name in self.names}
        naming = self._teacher("an ensemble asks the teacher")
        return make_ensemble(naming, names, text, stored, self.base_names, config)

    def embed(self, names: Sequence[str]) -> Tensor:
        """Text embeddings `(C, D)` of names, on the detector's device; each name is embedded once."""
        if new := [name for name in names if name not in self._embeddings]:
            teacher = self._teacher(f"{new[0]!r} has no embedding in the detector").teacher
            embeddings = embed_with(new, teacher, self._trained).to(self._device)
            self._embeddings.update(zip(new, embeddings, strict=True))
        return torch.stack([self._embeddings[name] for name in names])


def _raise(error: InputError) -> None:
    raise error


def _batches(photos: Iterator[Tensor], size: int) -> Iterator[list[Tensor]]:
    while batch := list(islice(photos, size)):
        yield batch


def _public(found: detector.Detections, names: tuple[str, ...], size: tuple[int, int]) -> Detections:
    masks = found.mask_probabilities
    return Detections(
        boxes_xyxy=found.boxes_xyxy.cpu(),
        scores=found.scores.cpu(),
        labels=found.labels.cpu(),
        mask_probabilities=None if masks is None else masks.cpu(),
        names=names,
        original_size=size,
    )
