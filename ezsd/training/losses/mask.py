"""Segmentation of a region into object and rest (Mask R-CNN, arXiv 1703.06870)."""

from torch import Tensor
from torch.nn import functional as F

from ezsd.distributed import rows_a_process


def mask_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Binary cross-entropy, mean over the cells of all regions that hold an object.

    Args:
        logits: (R, S, S) of a cell being part of the object, whatever its name.
        targets: (R, S, S) in 0..1, the share of the cell that the object covers.

    Returns:
        Scalar; 0 with a gradient path when there is no region.
    """
    total = F.binary_cross_entropy_with_logits(logits.float(), targets, reduction="sum")
    return total / rows_a_process(logits.numel(), logits.device)
