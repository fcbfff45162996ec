"""The public detector: load it from its folder, find names in photos."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ezsd.api.results import Detections
from ezsd.cache.manifest import require_complete
from ezsd.detector.config import Selection
from ezsd.detector.detector import detect
from ezsd.errors import InputError
from ezsd.photos import Photo, as_photo, photos_of_folder
from ezsd.pipeline.models.detector import TrainedDetector, read_detector
from ezsd.pipeline.models.vocabulary import check_names, embed_by_run, embed_with, require_same_embeddings
from ezsd.teacher.protocol import Teacher

Photos = list[str] | list[Path] | list[Image.Image] | list[np.ndarray] | list[Tensor] | list[Photo]
"""Several photos; a list is invariant, so a list of paths is no list of `Photo`."""

EmbedNames = Callable[[Sequence[str]], Tensor]
"""Names to embeddings, float32 `(C, D)`."""


class Detector:
    """A trained detector; the names to find are an argument of `predict`.

    Attributes:
        names: default names: base and novel names of its split.
        trained_names: those that had boxes in training.
        embedding_dim: D, the length of a text embedding.
    """

    def __init__(self, trained: TrainedDetector, embed: EmbedNames, device: torch.device) -> None:
        """Built by `load_detector`.

        Args:
            trained: network and names; the network is moved to `device`.
            embed: embeds names whose embeddings are not stored with the detector.
            device: where it runs.
        """
        self.names = trained.split.names
        self.trained_names = trained.split.labelled
        self.embedding_dim = trained.detector.embedding_dim
        self._network = trained.detector.to(device)
        self._device = device
        self._embed = embed
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
    ) -> Detections: ...

    @overload
    def predict(
        self,
        photo: Photos,
        names: Sequence[str] | None = None,
        *,
        text_embeddings: Tensor | None = None,
        selection: Selection | None = None,
    ) -> list[Detections]: ...

    @overload
    def predict(
        self,
        photo: str | Path,
        names: Sequence[str] | None = None,
        *,
        text_embeddings: Tensor | None = None,
        selection: Selection | None = None,
    ) -> Any: ...

    def predict(
        self,
        photo: Any,
        names: Sequence[str] | None = None,
        *,
        text_embeddings: Tensor | None = None,
        selection: Selection | None = None,
    ) -> Any:
        """Find names in a photo, in several photos, or in the photos of a folder.

        Embeddings of the split's names are stored with the detector. Other names are embedded by the
        re-normalized teacher that the detector was trained with, which is loaded on first use.

        Args:
            photo: a path, a PIL image, RGB uint8 as a numpy array `(H, W, 3)` or a tensor `(3, H, W)`; or a
                list of these, or the path of a folder, whose photos are taken in the order of their paths.
            names: names to find, also without boxes in training; the split's names when None.
            text_embeddings: float `(C, D)` of the names, to use instead of the teacher's.
            selection: thresholds; the paper's when None: any score, NMS at 0.5, at most 300 a photo.

        Returns:
            `Detections` of a photo; a list of them for a list or a folder.

        Raises:
            InputError: a photo cannot be read or has another shape or dtype, a name is empty or listed twice,
                `text_embeddings` have another shape, or there is no teacher for new names.
            ArtifactError: the re-normalization beside the detector is missing, damaged or another.
        """
        wanted = self.names if names is None else check_names(names)
        if text_embeddings is None:
            text_embeddings = self._embed_all(wanted)
        elif text_embeddings.shape != (len(wanted), self.embedding_dim):
            raise InputError(
                f"text_embeddings must have shape ({len(wanted)}, {self.embedding_dim}), a row a name, "
                f"got {tuple(text_embeddings.shape)}"
            )
        self._network.set_vocabulary(text_embeddings)
        if isinstance(photo, str | Path) and Path(photo).is_dir():
            photo = photos_of_folder(Path(photo))
        if isinstance(photo, list | tuple):
            return [self._find(as_photo(one), wanted, selection) for one in photo]
        return self._find(as_photo(photo), wanted, selection)

    def _find(self, photo: Tensor, names: tuple[str, ...], selection: Selection | None) -> Detections:
        found = detect(self._network, [photo.to(self._device)], selection)[0]
        masks = found.mask_probabilities
        return Detections(
            boxes_xyxy=found.boxes_xyxy.cpu(),
            scores=found.scores.cpu(),
            labels=found.labels.cpu(),
            mask_probabilities=None if masks is None else masks.cpu(),
            names=names,
            original_size=(photo.shape[1], photo.shape[2]),
        )

    def _embed_all(self, names: Sequence[str]) -> Tensor:
        """`(C, D)`; each name is embedded once."""
        if new := [name for name in names if name not in self._embeddings]:
            self._embeddings.update(zip(new, self._embed(new).to(self._device), strict=True))
        return torch.stack([self._embeddings[name] for name in names])


def load_detector(
    folder: str | Path, *, teacher: Teacher | None = None, device: str | torch.device | None = None
) -> Detector:
    """Load the detector that `train` wrote to a folder.

    Args:
        folder: `artifacts/train` of a run.
        teacher: the re-normalized teacher that it was trained with, to embed new names. By default the one
            that the run's `params.yaml` and `artifacts/renorm` describe, loaded on first use.
        device: where it runs; when None, a GPU if there is one.

    Raises:
        ArtifactError: the folder holds no finished detector, or a damaged one.
        InputError: `teacher` is not the one that the detector was trained with.
    """
    folder = Path(folder).resolve()
    require_complete(folder, "run `ezsd-cli train`")
    trained = read_detector(folder)
    embed: EmbedNames = partial(embed_by_run, trained=trained, folder=folder)
    if teacher is not None:
        require_same_embeddings(teacher, trained)
        embed = partial(embed_with, teacher=teacher, trained=trained)
    return Detector(trained, embed, torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu")))
