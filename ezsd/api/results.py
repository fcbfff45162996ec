"""What the public API returns: plain tensors, the names that labels index, and two exports."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ezsd.detector import detector
from ezsd.errors import InputError
from ezsd.evaluation.coco_form import as_results, drawn_masks, with_masks
from ezsd.masks import paste_masks
from ezsd.mining import proposals

if TYPE_CHECKING:
    import supervision

CocoResult = dict[str, Any]


@dataclass(frozen=True)
class Proposals(proposals.Proposals):
    """Boxes mined in one photo, highest score first; K may be 0.

    Attributes:
        boxes_xyxy: float32 `(K, 4)`, absolute pixels of the photo.
        scores: float32 `(K,)` in [0, ln C]: ln C - entropy of the C names' probabilities.
        labels: int64 `(K,)`, most likely name of the crop with context, an index into `names`.
        confidence: float32 `(K,)` in (0, 1], probability of that name: the weight in distillation.
        anchors: number of anchors of the photo.
        forwards: crops that went through the teacher.
        names: the C names.
    """

    names: tuple[str, ...]

    def to_coco(self, image_id: int = 0, category_ids: Sequence[int] | None = None) -> list[CocoResult]:
        """COCO results, `{image_id, category_id, bbox: [x, y, w, h], score}` each; `score` is of `scores`.

        Args:
            image_id: the data set's id of the photo.
            category_ids: the data set's id of each name; 1..C in the order of `names` by default.

        Raises:
            InputError: there is not one category id for each name.
        """
        ids = _category_ids(category_ids, self.names)
        return as_results(image_id, self.boxes_xyxy, self.scores, self.labels, ids)

    def to_supervision(self) -> "supervision.Detections":
        """The same as `supervision.Detections`; names and scores are in its `data`.

        Raises:
            InputError: the package supervision is not installed.
        """
        data = {"class_name": _names_of(self.labels, self.names), "score": self.scores.numpy()}
        return _supervision(self.boxes_xyxy, self.confidence, self.labels, data, None)


@dataclass(frozen=True)
class Detections(detector.Detections):
    """Detections of one photo, highest score first; M may be 0.

    Attributes:
        boxes_xyxy: float32 `(M, 4)`, absolute pixels of the photo.
        scores: float32 `(M,)` in [0, 1].
        labels: int64 `(M,)`, an index into `names`.
        mask_probabilities: float32 `(M, S, S)` in [0, 1], a grid over each box; None without a mask head.
        names: the names to find.
        original_size: (height, width) of the photo.
    """

    names: tuple[str, ...] = ()
    original_size: tuple[int, int] = (0, 0)

    def __len__(self) -> int:
        return len(self.boxes_xyxy)

    def __getitem__(self, rows: slice | Tensor) -> "Detections":
        """Some of them; `rows` is a slice, or an index or mask `(M,)`."""
        grids = self.mask_probabilities
        return replace(
            self,
            boxes_xyxy=self.boxes_xyxy[rows],
            scores=self.scores[rows],
            labels=self.labels[rows],
            mask_probabilities=None if grids is None else grids[rows],
        )

    def above(self, thresholds: Tensor) -> "Detections":
        """Those whose score is above the threshold of their name; `thresholds` are `(C,)` in [0, 1]."""
        return self[self.scores > thresholds[self.labels]]

    def to_coco(self, image_id: int = 0, category_ids: Sequence[int] | None = None) -> list[CocoResult]:
        """COCO results, `{image_id, category_id, bbox: [x, y, w, h], score}` each.

        A detector with a mask head adds `segmentation`, COCO's run lengths.

        Args:
            image_id: the data set's id of the photo.
            category_ids: the data set's id of each name; 1..C in the order of `names` by default.

        Raises:
            InputError: there is not one category id for each name.
        """
        ids = _category_ids(category_ids, self.names)
        results = as_results(image_id, self.boxes_xyxy, self.scores, self.labels, ids)
        if self.mask_probabilities is None:
            return results
        return with_masks(results, paste_masks(self.mask_probabilities, self.boxes_xyxy, self.original_size))

    def masks(self) -> Tensor | None:
        """bool `(M, H, W)` in the photo's frame; None without a mask head."""
        if self.mask_probabilities is None:
            return None
        return drawn_masks(self.to_coco(), self.original_size).bool()

    def to_supervision(self) -> "supervision.Detections":
        """The same as `supervision.Detections`; names are in its `data`.

        Raises:
            InputError: the package supervision is not installed.
        """
        data = {"class_name": _names_of(self.labels, self.names)}
        return _supervision(self.boxes_xyxy, self.scores, self.labels, data, self.masks())


def _category_ids(given: Sequence[int] | None, names: Sequence[str]) -> Sequence[int]:
    if given is not None and len(given) != len(names):
        raise InputError(f"category_ids must have an id for each of {len(names)} names, got {len(given)}")
    return range(1, len(names) + 1) if given is None else given


def _names_of(labels: Tensor, names: Sequence[str]) -> np.ndarray:
    return np.array([names[label] for label in labels.tolist()], dtype=str)


def _supervision(
    boxes_xyxy: Tensor, confidence: Tensor, labels: Tensor, data: dict[str, Any], masks: Tensor | None
) -> "supervision.Detections":
    try:
        import supervision
    except ModuleNotFoundError:
        raise InputError(
            "to_supervision needs the package supervision: install it with `pip install 'ezsd[supervision]'`"
        ) from None
    return supervision.Detections(
        xyxy=boxes_xyxy.to(torch.float32).numpy(),
        confidence=confidence.numpy(),
        class_id=labels.numpy(),
        mask=None if masks is None else masks.numpy(),
        data=data,
    )
