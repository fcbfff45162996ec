"""Coarse to fine: a dense guess for every anchor, and the teacher's real look at the promising ones only.

The paper sends each anchor through CLIP, although most show nothing. Here a few forwards describe them all,
an objectness, learned from base boxes, ranks them, and the best go through CLIP once: the enlarged crop gives
score, name and confidence at the same time.
"""

from dataclasses import dataclass

from torch import Tensor

from ezsd.boxes import max_iou_xyxy, nms_xyxy
from ezsd.mining.config import MineConfig
from ezsd.mining.exhaustive import distinct_boxes, photo_anchors
from ezsd.mining.objectness import RidgeSums, box_weights, guess_features, object_targets
from ezsd.mining.proposals import Judge, Proposals
from ezsd.mining.score import certainty, name_probabilities
from ezsd.teacher.dense_maps import count_tiles, describe_boxes, photo_maps, require_dense
from ezsd.teacher.protocol import Teacher


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
