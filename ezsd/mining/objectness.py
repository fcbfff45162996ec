"""A linear guess, from dense features, of whether a box holds one whole object; learned from base boxes."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ezsd.boxes import max_iou_xyxy

OBJECT_IOU = 0.5
"""A box that overlaps an object by at least this much counts as one that holds it."""

PENALTY = 1e-3
"""Ridge penalty, as a fraction of the boxes and in units of each feature's variance."""


@dataclass
class RidgeSums:
    """What a linear least-squares fit needs to know of its rows; sums of parts can be added up.

    Args:
        gram: float64 `(F, F)`, sum of outer products of the features.
        cross: float64 `(F,)`, sum of features times target.
    """

    gram: Tensor
    cross: Tensor

    @classmethod
    def of(cls, features: Tensor, targets: Tensor) -> Self:
        """Sums over rows: features `(N, F)`, the last of which is 1, and targets `(N,)`."""
        return cls((features.T @ features).double(), (features.T @ targets.to(features)).double())

    def __add__(self, other: "RidgeSums") -> "RidgeSums":
        return RidgeSums(self.gram + other.gram, self.cross + other.cross)

    def solve(self) -> Tensor:
        """Weights `(F,)`, float32; the constant feature is not penalised."""
        rows = self.gram[-1, -1].clamp(min=1)
        means = self.gram[-1] / rows
        variances = (self.gram.diagonal() / rows - means.square()).clamp(min=0)
        # a feature that never varies gets a weight of 0 instead of a singular system
        penalty = PENALTY * rows * variances + 1e-6 * rows
        penalty[-1] = 0
        return torch.linalg.solve(self.gram + penalty.diag(), self.cross).float()


def object_targets(boxes_xyxy: Tensor, objects_xyxy: Tensor) -> Tensor:
    """1 for each of `(N, 4)` boxes that holds one of `(M, 4)` objects, 0 for the others: float32 `(N,)`."""
    return (max_iou_xyxy(boxes_xyxy, objects_xyxy.to(boxes_xyxy)) >= OBJECT_IOU).float()
