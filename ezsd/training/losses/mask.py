"""Mask of the object in a region (Mask R-CNN, arXiv 1703.06870)."""

from torch import Tensor
from torch.nn import functional as F

from ezsd.distributed import mean_rows


def mask_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Binary cross-entropy, mean over the cells of all positive regions.

    Args:
        logits: `(R, S, S)`, class-agnostic.
        targets: `(R, S, S)` in [0, 1], fraction of the cell that the object covers.

    Returns:
        Scalar; 0 with a gradient path when there is no region.
    """
    total = F.binary_cross_entropy_with_logits(logits.float(), targets, reduction="sum")
    return total / mean_rows(logits.numel(), logits.device)
