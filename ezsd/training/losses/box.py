"""Regression of a box from the region it was found in (Fast R-CNN, arXiv 1504.08083)."""

from torch import Tensor
from torch.nn import functional as F

from ezsd.distributed import rows_a_process

SMOOTH_BELOW = 1 / 9
"""Differences under this are squared; torchvision's value for Faster R-CNN."""


def box_loss(deltas: Tensor, target_deltas: Tensor, is_object: Tensor) -> Tensor:
    """Smooth L1 over the regions that hold an object, divided by the number of all regions.

    Dividing by all regions keeps the weight of one object independent of how many objects a batch holds.

    Args:
        deltas: (R, 4) predicted, class-agnostic, in the box coder's units.
        target_deltas: (R, 4) the ground truth's, any finite value where there is no object.
        is_object: (R,) bool.

    Returns:
        Scalar; 0 with a gradient path when no region holds an object.
    """
    total = F.smooth_l1_loss(deltas[is_object], target_deltas[is_object], beta=SMOOTH_BELOW, reduction="sum")
    return total / rows_a_process(len(is_object), deltas.device)
