"""Coarse to fine: a dense guess for every anchor, and the teacher's real look at the promising ones only.

The paper sends each anchor through CLIP, although most show nothing. Here a few forwards describe them all,
an objectness, learned from base boxes, ranks them, and the best go through CLIP once: the enlarged crop gives
score, name and confidence at the same time.
"""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ezsd.boxes import iou_xyxy, max_iou_xyxy, nms_xyxy
from ezsd.mining.config import MineConfig
from ezsd.mining.exhaustive import distinct_boxes, photo_anchors
from ezsd.mining.proposals import Judge, Proposals
from ezsd.mining.score import certainty, name_probabilities
from ezsd.teacher.dense_maps import count_tiles, describe_boxes, photo_maps, require_dense
from ezsd.teacher.protocol import Teacher

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


def objectness_sums(
    photo: Tensor, base_boxes_xyxy: Tensor, teacher: Teacher, config: MineConfig
) -> RidgeSums:
    """What one training photo adds to the fit of the objectness.

    Args:
        photo: uint8 `(3, H, W)` RGB.
        base_boxes_xyxy: `(M, 4)`, ground truth of base names.
        teacher: any with dense maps.
        config: the recipe; its anchors are the rows of the fit.
    """
    anchors = distinct_boxes(photo_anchors(photo, config))
    features = _describe(photo, anchors, teacher)
    weights = box_weights(anchors, base_boxes_xyxy)
    counted = weights > 0
    targets = object_targets(anchors, base_boxes_xyxy)
    return RidgeSums.of(features[counted], targets[counted], weights[counted])


@dataclass(frozen=True)
class CascadeMiner:
    """Mines with a fraction of the forwards.

    Args:
        weights: float32 `(F,)` of the objectness.
        fraction: forwards of a photo, tiles and crops together, as a fraction of its anchors.
    """

    weights: Tensor
    fraction: float

    def __call__(self, photo: Tensor, base_boxes_xyxy: Tensor, judge: Judge, config: MineConfig) -> Proposals:
        """Proposals of one photo; arguments as of `mine_exhaustively`.

        `scores` are those of the enlarged crop. Boxes on base objects are left out before anything is sent.
        """
        original_size = (photo.shape[1], photo.shape[2])
        anchors = photo_anchors(photo, config)
        distinct = distinct_boxes(anchors)
        guesses = _describe(photo, distinct, judge.encoder.teacher) @ self.weights
        free = max_iou_xyxy(distinct, base_boxes_xyxy.to(distinct)) < config.base_iou
        crops = max(1, int(self.fraction * len(anchors)) - count_tiles(original_size))
        looked_at = distinct[free][nms_xyxy(distinct[free], guesses[free], config.nms_iou, crops)]
        embeddings = judge.encoder.encode(photo, looked_at, config.context_factor)
        probabilities = name_probabilities(embeddings, judge.text, judge.logit_scale)
        confidence, labels = probabilities.max(dim=1)
        scores = certainty(probabilities)
        order = scores.argsort(descending=True, stable=True)
        if judge.knows_others:
            order = order[labels[order] >= judge.base_count]
        kept = order[: config.keep]
        return Proposals(
            boxes_xyxy=looked_at[kept],
            scores=scores[kept],
            labels=labels[kept],
            confidence=confidence[kept],
            anchors=len(anchors),
            forwards=len(looked_at) + count_tiles(original_size),
        )


def _describe(photo: Tensor, boxes_xyxy: Tensor, teacher: Teacher) -> Tensor:
    maps = photo_maps(photo, require_dense(teacher))
    return guess_features(describe_boxes(maps, boxes_xyxy, (photo.shape[1], photo.shape[2])))
