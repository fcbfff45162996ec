"""Boxes as tensors: float `(N, 4)`, `xyxy`, absolute pixels.

`original_size` is always the (height, width) of their frame. A box covers [x0, x1) x [y0, y1).
"""

import torch
from torch import Tensor
from torchvision.ops import box_iou, nms

from ezsd.errors import InputError

PAIRS_AT_ONCE = 1 << 22
"""Most pairs of boxes whose IoU is held in memory when only its maximum is wanted."""


def check_boxes_xyxy(boxes_xyxy: Tensor) -> None:
    """Raise `InputError` unless `boxes_xyxy` is `(N, 4)`."""
    if boxes_xyxy.ndim != 2 or boxes_xyxy.shape[1] != 4:
        raise InputError(f"boxes_xyxy must have shape (N, 4), got {tuple(boxes_xyxy.shape)}")


def xywh_to_xyxy(boxes_xywh: Tensor) -> Tensor:
    """From COCO's (x, y, width, height) `(N, 4)` to corners `(N, 4)`; same frame and dtype."""
    return torch.cat([boxes_xywh[:, :2], boxes_xywh[:, :2] + boxes_xywh[:, 2:]], dim=1)


def xyxy_to_xywh(boxes_xyxy: Tensor) -> Tensor:
    """From corners `(N, 4)` to COCO's (x, y, width, height) `(N, 4)`; same frame and dtype."""
    return torch.cat([boxes_xyxy[:, :2], boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]], dim=1)


def box_area(boxes_xyxy: Tensor) -> Tensor:
    """Areas in square pixels, `(N,)`."""
    return (boxes_xyxy[:, 2] - boxes_xyxy[:, 0]) * (boxes_xyxy[:, 3] - boxes_xyxy[:, 1])


def scale_xyxy(boxes_xyxy: Tensor, factor: float, min_side: float = 0.0) -> Tensor:
    """Scale each box about its centre, then widen sides below `min_side` pixels.

    Args:
        boxes_xyxy: `(N, 4)`.
        factor: new sides / old sides.
        min_side: pixels.

    Returns:
        `(N, 4)` in the same frame; may extend beyond the photo.
    """
    centre = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2
    half = ((boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]) * factor).clamp(min=min_side) / 2
    return torch.cat([centre - half, centre + half], dim=1)


def clip_xyxy(boxes_xyxy: Tensor, original_size: tuple[int, int]) -> Tensor:
    """Clip boxes `(N, 4)` to a photo of `original_size` (height, width)."""
    height, width = original_size
    limits = boxes_xyxy.new_tensor([width, height, width, height])
    return torch.minimum(boxes_xyxy.clamp(min=0), limits)


def iou_xyxy(boxes_xyxy: Tensor, others_xyxy: Tensor) -> Tensor:
    """IoU of each pair of `(N, 4)` and `(M, 4)` boxes: `(N, M)` in [0, 1]; N or M may be 0."""
    return box_iou(boxes_xyxy, others_xyxy)


def max_iou_xyxy(boxes_xyxy: Tensor, others_xyxy: Tensor) -> Tensor:
    """Largest IoU of each of `(N, 4)` boxes with `(M, 4)` others: `(N,)`, zeros when M is 0."""
    if len(others_xyxy) == 0:
        return boxes_xyxy.new_zeros(len(boxes_xyxy))
    parts = boxes_xyxy.split(max(1, PAIRS_AT_ONCE // len(others_xyxy)))
    return torch.cat([iou_xyxy(part, others_xyxy).amax(dim=1) for part in parts])


def nms_xyxy(boxes_xyxy: Tensor, scores: Tensor, iou_threshold: float, best: int | None = None) -> Tensor:
    """Class-agnostic non-maximum suppression.

    Args:
        boxes_xyxy: `(N, 4)`.
        scores: `(N,)`; equal scores keep their order.
        iou_threshold: boxes that overlap a kept one by more are dropped.
        best: largest number of boxes to keep; a small one saves time. None keeps all.

    Returns:
        Rows of the kept boxes, highest score first: int64 `(K,)`.
    """
    order = scores.argsort(descending=True, stable=True)
    wanted = len(order) if best is None else min(best, len(order))
    prefix = len(order) if best is None else 2 * wanted
    while True:
        rows = order[:prefix]
        ranks = torch.arange(len(rows), 0, -1, device=rows.device, dtype=torch.float32)
        kept = nms(boxes_xyxy[rows].float(), ranks, iou_threshold)[:wanted]
        if len(kept) == wanted or prefix >= len(order):
            return rows[kept]
        prefix *= 2
