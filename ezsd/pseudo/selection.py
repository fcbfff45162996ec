"""From a photo's proposals and their probabilities to its pseudo boxes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ezsd.boxes import iou_xyxy, max_iou_xyxy, nms_xyxy
from ezsd.pseudo.config import PseudoConfig


@dataclass(frozen=True)
class Candidates:
    """Boxes of one photo that may become pseudo boxes, or have become them.

    Attributes:
        boxes_xyxy: float32 `(K, 4)`, absolute pixels of the photo.
        labels: int64 `(K,)`; boxes of one label may be boxes of one object.
        probability: float32 `(K,)` in [0, 1] of being right, calibrated.
    """

    boxes_xyxy: Tensor
    labels: Tensor
    probability: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Tensor) -> "Candidates":
        """Those of some rows."""
        return Candidates(self.boxes_xyxy[rows], self.labels[rows], self.probability[rows])


def select_pseudo_boxes(
    candidates: Candidates, occupied_xyxy: Tensor, base_iou: float, config: PseudoConfig
) -> Candidates:
    """Choose and refine the pseudo boxes of a photo, likeliest first.

    Args:
        candidates: all of the photo.
        occupied_xyxy: `(M, 4)`, base boxes and crowd regions; boxes that overlap them by `base_iou` or more
            show base objects.
        base_iou: IoU.
        config: the recipe.

    Returns:
        At most `config.keep`.
    """
    free = torch.where(max_iou_xyxy(candidates.boxes_xyxy, occupied_xyxy) < base_iou)[0]
    free_ones = candidates.take(free)
    likely = free_ones.take(torch.where(free_ones.probability >= config.precision)[0])
    kept = nms_xyxy(likely.boxes_xyxy, likely.probability, config.nms_iou, config.keep)
    chosen = likely.take(kept)
    return Candidates(vote(chosen, free_ones, config.vote_iou), chosen.labels, chosen.probability)


def vote(chosen: Candidates, voters: Candidates, iou: float) -> Tensor:
    """Box voting (arXiv 1505.01749): the mean of the voters of the same label that overlap a box, `(K, 4)`.

    Each weighs its probability. The voters hold the chosen boxes too.
    """
    votes = (iou_xyxy(chosen.boxes_xyxy, voters.boxes_xyxy) >= iou) & (
        chosen.labels[:, None] == voters.labels[None]
    )
    weights = votes * voters.probability.clamp(min=1e-6)[None]
    return weights @ voters.boxes_xyxy / weights.sum(dim=1, keepdim=True)
