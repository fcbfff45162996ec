"""Joint scores of detector and teacher (not the paper's: ViLD-ensemble, Gu et al., ICLR 2022)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ezsd.evaluation.config import EnsembleConfig


def teacher_weights(config: EnsembleConfig, names: Sequence[str], base: Collection[str]) -> Tensor:
    """The teacher's exponent for each of C names, float32 `(C,)`; those that are not base names are novel."""
    return torch.tensor([config.base if name in base else config.novel for name in names])


def geometric_mean(detector: Tensor, teacher: Tensor, teacher_weights: Tensor) -> Tensor:
    """`detector ** (1 - w) * teacher ** w`.

    Args:
        detector: scores `(N,)` in [0, 1].
        teacher: scores `(N,)` in [0, 1].
        teacher_weights: w `(N,)` in [0, 1].

    Returns:
        `(N,)` in [0, 1].
    """
    return detector ** (1 - teacher_weights) * teacher**teacher_weights


class Namer(Protocol):
    """A teacher that names boxes, such as `diagnostics.BoxNamer`."""

    def probabilities(self, photo: Tensor, boxes_xyxy: Tensor) -> Tensor:
        """Probability of each name for each box, float32 `(N, C)`."""
        ...


@dataclass(frozen=True)
class ScoreEnsemble:
    """Gives detections a joint score; boxes and names stay.

    Attributes:
        teacher: with the names of the detector, in the same order.
        weights: `(C,)`, exponent of the teacher's score of each name, on the CPU.
    """

    teacher: Namer
    weights: Tensor

    def rescore(self, photo: Tensor, boxes_xyxy: Tensor, scores: Tensor, labels: Tensor) -> Tensor:
        """The joint score of each detection, float32 `(N,)` in [0, 1] on the CPU.

        Args:
            photo: uint8 `(3, H, W)` RGB.
            boxes_xyxy: `(N, 4)` pixels of the photo; N may be 0. Detections of several names may share a box.
            scores: `(N,)` in [0, 1], of the detector.
            labels: int64 `(N,)`, index into the names.
        """
        labels = labels.cpu()
        boxes, box_of = torch.unique(boxes_xyxy.cpu(), dim=0, return_inverse=True)
        teacher_scores = self.teacher.probabilities(photo, boxes)[box_of, labels]
        return geometric_mean(scores.cpu(), teacher_scores, self.weights[labels])
