"""The paper's miner: every anchor goes through the teacher, and the surest are kept (method, section 2)."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ezsd.boxes import max_iou_xyxy, nms_xyxy
from ezsd.mining.anchors import anchor_boxes_xyxy, fit_scale
from ezsd.mining.config import MineConfig
from ezsd.mining.proposals import Judge, Proposals
from ezsd.mining.score import certainty, name_probabilities


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


def select_proposals(
    photo: Tensor,
    boxes_xyxy: Tensor,
    scores: Tensor,
    base_boxes_xyxy: Tensor,
    judge: Judge,
    config: MineConfig,
) -> Proposals:
    """Suppresses, filters and names scored boxes.

    Class-agnostic NMS and the best `config.post_nms_top_n`; then without those that overlap a base box; then,
    in order of score, the first `config.keep` whose enlarged crop is not given a base name. Where base names
    are all there is, the last filter would leave nothing and is not applied.

    Args:
        photo: uint8 `(3, H, W)` RGB.
        boxes_xyxy: float32 `(N, 4)`, absolute pixels of the photo.
        scores: `(N,)`.
        base_boxes_xyxy: `(M, 4)`, ground truth of base names alone.
        judge: the teacher and the names.
        config: the recipe.
    """
    forwards_before = judge.encoder.forwards
    kept = nms_xyxy(boxes_xyxy, scores, config.nms_iou, config.post_nms_top_n)
    kept = kept[max_iou_xyxy(boxes_xyxy[kept], base_boxes_xyxy.to(boxes_xyxy)) < config.base_iou]
    chosen, labels, confidence = _name_until_full(photo, boxes_xyxy, kept, judge, config)
    return Proposals(
        boxes_xyxy=boxes_xyxy[chosen].float(),
        scores=scores[chosen].float(),
        labels=labels,
        confidence=confidence,
        anchors=len(boxes_xyxy),
        forwards=judge.encoder.forwards - forwards_before,
    )


def _name_until_full(
    photo: Tensor, boxes_xyxy: Tensor, candidates: Tensor, judge: Judge, config: MineConfig
) -> tuple[Tensor, Tensor, Tensor]:
    """The first `config.keep` candidates with another than a base name: rows, labels, confidence.

    Crops are encoded part by part, and none once there are enough.
    """
    rows, labels, confidence = [candidates[:0]], [candidates[:0]], [torch.empty(0)]
    found = 0
    for part in candidates.split(config.keep):
        embeddings = judge.encoder.encode(photo, boxes_xyxy[part], config.context_factor)
        likelihood, label = name_probabilities(embeddings, judge.text, judge.logit_scale).max(dim=1)
        eligible = (
            label >= judge.base_count if judge.knows_others else torch.ones_like(label, dtype=torch.bool)
        )
        rows.append(part[eligible])
        labels.append(label[eligible])
        confidence.append(likelihood[eligible])
        found += int(eligible.sum())
        if found >= config.keep:
            break
    return tuple(torch.cat(parts)[: config.keep] for parts in (rows, labels, confidence))  # type: ignore[return-value]
