"""A guess, from dense features, of whether a box holds one whole object; learned from base boxes.

Linear in the features and in a fixed random layer of them, so that its fit is a sum over photos, which can be
taken in parts, in any order of workers, and resumed.
"""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ezsd.boxes import iou_xyxy, max_iou_xyxy

OBJECT_IOU = 0.5
"""A box that overlaps an object by at least this much counts as one that holds it."""

OBJECT_WEIGHT = 10.0
"""What all boxes that hold an object weigh together; one that holds none weighs 1.

Many anchors hold a large object and few a small one: counted one by one, only large ones would matter.
"""

EMPTY_STEP = 4
"""Of the boxes that hold none, every fourth stands for four: there are thousands, and each costs time."""

HIDDEN = 512
"""Width of the random layer."""

PENALTY = 1e-2
"""Ridge penalty, as a fraction of the boxes and in units of each feature's variance."""


def guess_features(features: Tensor) -> Tensor:
    """What the guess is linear in.

    Boxes are only ranked against others of their photo, so features are standardised over these.

    Args:
        features: float32 `(N, F)`, of `describe_boxes`, of all boxes in question in one photo.

    Returns:
        float32 `(N, F + HIDDEN + 1)`; the last column is 1.
    """
    deviations, means = torch.std_mean(features, dim=0, correction=0)
    standard = (features - means) / (deviations + 1e-6)
    width = features.shape[1]
    generator = torch.Generator().manual_seed(width)
    directions = torch.randn((width, HIDDEN), generator=generator) / math.sqrt(width)
    return torch.cat([standard, (standard @ directions).relu(), torch.ones((len(features), 1))], dim=1)


@dataclass
class RidgeSums:
    """What a linear least-squares fit needs to know of its rows; sums of parts can be added up.

    Args:
        gram: float64 `(F, F)`, weighted sum of outer products of the features.
        cross: float64 `(F,)`, weighted sum of features times target.
    """

    gram: Tensor
    cross: Tensor

    @classmethod
    def of(cls, features: Tensor, targets: Tensor, weights: Tensor) -> Self:
        """Sums over rows: features `(N, F)`, the last of which is 1, targets and weights `(N,)`."""
        weighted = (features * weights[:, None]).T
        return cls((weighted @ features).double(), (weighted @ targets).double())

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


def box_weights(boxes_xyxy: Tensor, objects_xyxy: Tensor) -> Tensor:
    """What each of `(N, 4)` boxes counts in the fit, float32 `(N,)`: objects `(M, 4)` count the same each.

    The boxes that hold an object share `OBJECT_WEIGHT`; of several objects, a box takes the largest share.
    """
    holds = iou_xyxy(boxes_xyxy, objects_xyxy.to(boxes_xyxy)) >= OBJECT_IOU
    weights = torch.zeros(len(boxes_xyxy))
    weights[(~holds.any(dim=1)).nonzero()[::EMPTY_STEP]] = EMPTY_STEP
    shares = holds * OBJECT_WEIGHT / holds.sum(dim=0).clamp(min=1)
    return torch.cat([weights[:, None], shares], dim=1).amax(dim=1)
