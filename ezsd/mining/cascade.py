"""Coarse to fine mining (not the paper's): a cheap objectness ranks all anchors, CLIP sees only the best.

The paper sends each anchor through CLIP, although most show nothing. Here a few forwards give dense feature
maps of the whole photo. From these, an objectness ranks the anchors by how they differ from their
surroundings; its few weights are fitted to base boxes. The best go through CLIP once: the crop with context
gives score, name and confidence at the same time.

The fit is a sum over photos, which can be computed in parts, by any workers in any order, and resumed.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ezsd.boxes import iou_xyxy, max_iou_xyxy, nms_xyxy
from ezsd.mining.config import MineConfig
from ezsd.mining.contrast import box_contrasts
from ezsd.mining.exhaustive import distinct_boxes, photo_anchors
from ezsd.mining.proposals import CropClassifier, Proposals, draw_order
from ezsd.mining.score import certainty
from ezsd.teacher.dense_maps import count_tiles, photo_maps, require_dense
from ezsd.teacher.protocol import Teacher

OBJECT_IOU = 0.5
"""A box is a positive if it overlaps an object by at least this IoU."""

OBJECT_WEIGHT = 10.0
"""Total weight of the positives of one object; a negative has weight 1.

A large object has many positives and a small one few: with equal weights, only large objects would count.
"""

EMPTY_STEP = 4
"""One negative in four is used, with four times the weight: there are thousands, and each costs time."""

OBJECTS_AT_ONCE = 256
"""Objects whose IoU with all anchors is held in memory."""

PENALTY = 1e-2
"""Ridge penalty, as a fraction of the number of boxes, in units of each feature's variance."""


@dataclass(frozen=True)
class CascadeMiner:
    """Mines with a fraction of the forwards.

    Attributes:
        weights: float32 `(F,)` of the objectness.
        fraction: forwards of a photo, tiles and crops together, as a fraction of its anchors.
    """

    weights: Tensor
    fraction: float

    def __call__(
        self, photo: Tensor, base_boxes_xyxy: Tensor, classifier: CropClassifier, config: MineConfig
    ) -> Proposals:
        """Mine one photo; arguments as for `mine_exhaustively`.

        `scores` are those of the crop with context. Boxes on base objects are dropped before any is encoded.
        """
        original_size, teacher = (photo.shape[1], photo.shape[2]), classifier.encoder.teacher
        photo = photo.to(teacher.device)
        anchors = photo_anchors(photo, config)
        distinct = distinct_boxes(anchors).to(teacher.device)
        objectness = self.rank(photo, distinct, teacher)
        free = max_iou_xyxy(distinct, base_boxes_xyxy.to(distinct)) < config.base_iou
        crops = max(1, int(self.fraction * len(anchors)) - count_tiles(original_size))
        best = nms_xyxy(distinct[free], objectness[free], config.nms_iou, crops)
        candidates = distinct[free][best].cpu()
        probabilities = classifier.probabilities(photo, candidates, config.context_factor)
        confidence, labels = probabilities.max(dim=1)
        scores = certainty(probabilities)
        order = scores.argsort(descending=True, stable=True)
        if classifier.has_other_names:
            order = order[labels[order] >= classifier.base_count]
        drawn = draw_order(order, photo, config.take)[: config.keep]
        kept = drawn[scores[drawn].argsort(descending=True, stable=True)]
        return Proposals(
            boxes_xyxy=candidates[kept],
            scores=scores[kept],
            labels=labels[kept],
            confidence=confidence[kept],
            anchors=len(anchors),
            forwards=len(candidates) + count_tiles(original_size),
        )

    def rank(self, photo: Tensor, boxes_xyxy: Tensor, teacher: Teacher) -> Tensor:
        """Objectness of all boxes `(N, 4)` of a photo, float32 `(N,)`; inputs are on the teacher's device."""
        return _describe(photo, boxes_xyxy, teacher) @ self.weights.to(teacher.device)


@dataclass
class RidgeSums:
    """Sufficient statistics of a weighted linear least-squares fit; those of parts can be added.

    Attributes:
        gram: float64 `(F, F)`, weighted sum of outer products of the features.
        cross: float64 `(F,)`, weighted sum of features times target.
    """

    gram: Tensor
    cross: Tensor

    @classmethod
    def of(cls, features: Tensor, targets: Tensor, weights: Tensor) -> Self:
        """Sums over rows: features `(N, F)`, the last of which is 1; targets and weights `(N,)`."""
        weighted = (features * weights[:, None]).T
        return cls((weighted @ features).double(), (weighted @ targets).double())

    def __add__(self, other: "RidgeSums") -> "RidgeSums":
        return RidgeSums(self.gram + other.gram, self.cross + other.cross)

    def solve(self) -> Tensor:
        """Weights, float32 `(F,)`; the constant feature is not penalised."""
        rows = self.gram[-1, -1].clamp(min=1)
        means = self.gram[-1] / rows
        variances = (self.gram.diagonal() / rows - means.square()).clamp(min=0)
        # a feature that never varies gets a weight of 0 instead of a singular system
        penalty = PENALTY * rows * variances + 1e-6 * rows
        penalty[-1] = 0
        return torch.linalg.solve(self.gram + penalty.diag(), self.cross).float()


def objectness_sums(
    photo: Tensor, base_boxes_xyxy: Tensor, teacher: Teacher, config: MineConfig
) -> RidgeSums:
    """One training photo's share of the fit of the objectness.

    Args:
        photo: uint8 `(3, H, W)` RGB.
        base_boxes_xyxy: `(M, 4)` pixels of the photo, ground truth of base names.
        teacher: one with dense maps.
        config: the recipe; its anchors are the rows of the fit.
    """
    anchors = distinct_boxes(photo_anchors(photo, config))
    features = _describe(photo.to(teacher.device), anchors, teacher).cpu()
    weights = box_weights(anchors, base_boxes_xyxy)
    counted = weights > 0
    targets = object_targets(anchors, base_boxes_xyxy)
    return RidgeSums.of(features[counted], targets[counted], weights[counted])


def objectness_features(features: Tensor) -> Tensor:
    """Inputs of the linear objectness.

    Boxes are ranked only against others of the same photo, so features are standardised over these.

    Args:
        features: float32 `(N, F)` from `box_contrasts`, of all boxes of one photo.

    Returns:
        float32 `(N, F + 1)` on the same device; the last column is 1.
    """
    deviations, means = torch.std_mean(features, dim=0, correction=0)
    return torch.cat([(features - means) / (deviations + 1e-6), features.new_ones((len(features), 1))], dim=1)


def object_targets(boxes_xyxy: Tensor, objects_xyxy: Tensor) -> Tensor:
    """Targets of the fit, float32 `(N,)`: 1 for boxes `(N, 4)` that hold one of `(M, 4)` objects, else 0."""
    return (max_iou_xyxy(boxes_xyxy, objects_xyxy.to(boxes_xyxy)) >= OBJECT_IOU).float()


def box_weights(boxes_xyxy: Tensor, objects_xyxy: Tensor) -> Tensor:
    """Weights of boxes `(N, 4)` in the fit, float32 `(N,)`, such that all objects `(M, 4)` count the same.

    The positives of an object share `OBJECT_WEIGHT`; a positive of several objects takes the largest share.
    """
    weights = torch.zeros(len(boxes_xyxy))
    for part in objects_xyxy.to(boxes_xyxy).split(OBJECTS_AT_ONCE):
        holds = iou_xyxy(boxes_xyxy, part) >= OBJECT_IOU
        shares = holds * OBJECT_WEIGHT / holds.sum(dim=0).clamp(min=1)
        weights = torch.cat([weights[:, None], shares], dim=1).amax(dim=1)
    weights[(weights == 0).nonzero()[::EMPTY_STEP]] = EMPTY_STEP
    return weights


def _describe(photo: Tensor, boxes_xyxy: Tensor, teacher: Teacher) -> Tensor:
    maps = photo_maps(photo, require_dense(teacher))
    return objectness_features(box_contrasts(maps, boxes_xyxy, (photo.shape[1], photo.shape[2])))
