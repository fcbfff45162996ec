"""The paper's miner: every anchor goes through the teacher."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ezsd.mining.anchors import anchor_boxes_xyxy, fit_scale
from ezsd.mining.config import MineConfig
from ezsd.mining.proposals import Judge, Proposals
from ezsd.mining.score import certainty, name_probabilities
from ezsd.mining.select import select_proposals


def mine_exhaustively(photo: Tensor, base_boxes_xyxy: Tensor, judge: Judge, config: MineConfig) -> Proposals:
    """Proposals of one photo.

    Anchors that the border clips to the same box are encoded once: the NMS would drop the others anyway.

    Args:
        photo: uint8 `(3, H, W)` RGB.
        base_boxes_xyxy: float32 `(M, 4)`, ground truth of base names in the photo; M may be 0.
        judge: the teacher and the names.
        config: the recipe.
    """
    anchors = photo_anchors(photo, config)
    distinct = distinct_boxes(anchors)
    scores = tight_scores(photo, distinct, judge)
    found = select_proposals(photo, distinct, scores, base_boxes_xyxy, judge, config)
    return replace(found, anchors=len(anchors), forwards=found.forwards + len(distinct))


def photo_anchors(photo: Tensor, config: MineConfig) -> Tensor:
    """The anchors of a photo `(3, H, W)`, float32 `(A, 4)` in its own pixels."""
    original_size = (photo.shape[1], photo.shape[2])
    scale = fit_scale(original_size, config.long_side, config.short_side)
    return anchor_boxes_xyxy(original_size, scale, config.stride, config.scales, config.ratios)


def distinct_boxes(boxes_xyxy: Tensor) -> Tensor:
    """Without repetitions, in the order of first occurrence."""
    _, first = np.unique(boxes_xyxy.numpy(), axis=0, return_index=True)
    return boxes_xyxy[torch.from_numpy(np.sort(first))]


def tight_scores(photo: Tensor, boxes_xyxy: Tensor, judge: Judge) -> Tensor:
    """Certainty of the teacher about each box's tight crop, `(N,)` in [0, ln C]."""
    embeddings = judge.encoder.encode(photo, boxes_xyxy, 1.0)
    return certainty(name_probabilities(embeddings, judge.text, judge.logit_scale))
