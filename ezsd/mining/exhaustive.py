"""The paper's miner: every anchor goes through the teacher, and the most certain are kept.

docs/method.md, section 3.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ezsd.boxes import max_iou_xyxy, nms_xyxy
from ezsd.mining.anchors import anchor_boxes_xyxy, fit_scale
from ezsd.mining.config import MineConfig
from ezsd.mining.proposals import CropClassifier, Proposals, draw_order
from ezsd.mining.score import certainty


def mine_exhaustively(
    photo: Tensor, base_boxes_xyxy: Tensor, classifier: CropClassifier, config: MineConfig
) -> Proposals:
    """Mine one photo.

    Anchors that the photo's border clips to the same box are encoded once: NMS would drop the others anyway.

    Args:
        photo: uint8 `(3, H, W)` RGB.
        base_boxes_xyxy: float32 `(M, 4)` pixels of the photo, its ground truth of base names; M may be 0.
        classifier: the teacher and the names.
        config: the recipe.

    Returns:
        At most `config.keep` proposals.
    """
    anchors = photo_anchors(photo, config)
    distinct = distinct_boxes(anchors)
    scores = tight_scores(photo, distinct, classifier)
    found = select_proposals(photo, distinct, scores, base_boxes_xyxy, classifier, config)
    return replace(found, anchors=len(anchors), forwards=found.forwards + len(distinct))


def photo_anchors(photo: Tensor, config: MineConfig) -> Tensor:
    """The anchors of a photo `(3, H, W)`: float32 `(A, 4)` in its own pixels."""
    original_size = (photo.shape[1], photo.shape[2])
    scale = fit_scale(original_size, config.long_side, config.short_side)
    return anchor_boxes_xyxy(original_size, scale, config.stride, config.scales, config.ratios)


def distinct_boxes(boxes_xyxy: Tensor) -> Tensor:
    """The boxes `(N, 4)` without duplicates, in the order of first occurrence."""
    _, first = np.unique(boxes_xyxy.numpy(), axis=0, return_index=True)
    return boxes_xyxy[torch.from_numpy(np.sort(first))]


def tight_scores(photo: Tensor, boxes_xyxy: Tensor, classifier: CropClassifier) -> Tensor:
    """Certainty of the teacher about the crop of each box, without context: `(N,)` in [0, ln C]."""
    return certainty(classifier.probabilities(photo, boxes_xyxy, context_factor=1.0))


def select_proposals(
    photo: Tensor,
    boxes_xyxy: Tensor,
    scores: Tensor,
    base_boxes_xyxy: Tensor,
    classifier: CropClassifier,
    config: MineConfig,
) -> Proposals:
    """Suppress, filter and name scored boxes.

    1. Class-agnostic NMS keeps the best `config.post_nms_top_n`.
    2. Boxes that overlap a base box by `config.base_iou` or more are dropped.
    3. In order of score, or at random with `config.take`, the first `config.keep` whose crop with context
       gets no base name are kept. If base names are the only names, this filter would leave nothing and is
       not applied.

    Args:
        photo: uint8 `(3, H, W)` RGB.
        boxes_xyxy: float32 `(N, 4)`, absolute pixels of the photo.
        scores: `(N,)`.
        base_boxes_xyxy: `(M, 4)`, ground truth of base names only.
        classifier: the teacher and the names.
        config: the recipe.
    """
    forwards_before = classifier.encoder.forwards
    kept = nms_xyxy(boxes_xyxy, scores, config.nms_iou, config.post_nms_top_n)
    kept = kept[max_iou_xyxy(boxes_xyxy[kept], base_boxes_xyxy.to(boxes_xyxy)) < config.base_iou]
    drawn = draw_order(kept, photo, config.take)
    chosen, labels, confidence = _name_until_full(photo, boxes_xyxy, drawn, classifier, config)
    best_first = scores[chosen].argsort(descending=True, stable=True)
    chosen, labels, confidence = chosen[best_first], labels[best_first], confidence[best_first]
    return Proposals(
        boxes_xyxy=boxes_xyxy[chosen].float(),
        scores=scores[chosen].float(),
        labels=labels,
        confidence=confidence,
        anchors=len(boxes_xyxy),
        forwards=classifier.encoder.forwards - forwards_before,
    )


def _name_until_full(
    photo: Tensor, boxes_xyxy: Tensor, candidates: Tensor, classifier: CropClassifier, config: MineConfig
) -> tuple[Tensor, Tensor, Tensor]:
    """Rows, labels and confidence of the first `config.keep` candidates without a base name.

    Crops are encoded part by part, until there are enough.
    """
    rows, labels, confidence = [candidates[:0]], [candidates[:0]], [torch.empty(0)]
    found = 0
    for part in candidates.split(config.keep):
        probabilities = classifier.probabilities(photo, boxes_xyxy[part], config.context_factor)
        likelihood, label = probabilities.max(dim=1)
        eligible = torch.ones_like(label, dtype=torch.bool)
        if classifier.has_other_names:
            eligible = label >= classifier.base_count
        rows.append(part[eligible])
        labels.append(label[eligible])
        confidence.append(likelihood[eligible])
        found += int(eligible.sum())
        if found >= config.keep:
            break
    return tuple(torch.cat(parts)[: config.keep] for parts in (rows, labels, confidence))  # type: ignore[return-value]
