"""How many objects the proposals cover."""

from torch import Tensor

from ezsd.boxes import max_iou_xyxy

COVERED_IOU = 0.5


def is_covered(objects_xyxy: Tensor, proposals_xyxy: Tensor) -> Tensor:
    """Whether some proposal of the same photo overlaps an object by an IoU of at least 0.5.

    Args:
        objects_xyxy: (N, 4) pixels.
        proposals_xyxy: (P, 4) pixels of the same frame.

    Returns:
        (N,) bool.
    """
    return max_iou_xyxy(objects_xyxy.double(), proposals_xyxy.double()) >= COVERED_IOU
