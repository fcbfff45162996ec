"""Box regression (Fast R-CNN, arXiv 1504.08083)."""

from torch import Tensor
from torch.nn import functional as F

from ezsd.distributed import mean_rows

SMOOTH_BELOW = 1 / 9
"""Differences below this are squared; torchvision's value for Faster R-CNN."""


def box_loss(deltas: Tensor, target_deltas: Tensor, is_object: Tensor) -> Tensor:
    """Smooth L1 over the positive regions, divided by the number of all regions.

    So the weight of an object does not depend on the number of objects in a batch.

    Args:
        deltas: `(R, 4)` predicted, class-agnostic, in the box coder's units.
        target_deltas: `(R, 4)` of the ground truth; any finite value for negatives.
        is_object: bool `(R,)`, the positives.

    Returns:
        Scalar; 0 with a gradient path when there is no positive.
    """
    total = F.smooth_l1_loss(deltas[is_object], target_deltas[is_object], beta=SMOOTH_BELOW, reduction="sum")
    return total / mean_rows(len(is_object), deltas.device)
