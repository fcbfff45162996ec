"""Checks what users of the public API pass: boxes and labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ezsd.boxes import check_boxes_xyxy
from ezsd.errors import InputError

Boxes = Tensor | np.ndarray | Sequence[Sequence[float]]
"""`(N, 4)` xyxy in absolute pixels of the photo; N may be 0."""

Labels = Tensor | np.ndarray | Sequence[int]
"""`(N,)`, indices into the names."""


def labelled_boxes(
    boxes: Sequence[Boxes], labels: Sequence[Labels], names: int
) -> list[tuple[Tensor, Tensor]]:
    """Boxes, float32 `(n, 4)` xyxy, and labels, int64 `(n,)`, of each photo.

    Args:
        boxes: of each photo.
        labels: of each photo.
        names: number of names that labels index.

    Raises:
        InputError: they differ in number, a box has another shape or no area, or a label is no index.
    """
    if len(boxes) != len(labels):
        raise InputError(f"boxes and labels must be of one length, got {len(boxes)} and {len(labels)}")
    return [
        (as_boxes(own, f"boxes of photo {photo}"), _as_labels(classes, len(own), names, photo))
        for photo, (own, classes) in enumerate(zip(boxes, labels, strict=True))
    ]


def as_boxes(boxes: Boxes, what: str) -> Tensor:
    """Boxes of one photo as float32 `(N, 4)`; raises InputError, which begins with `what`, for others."""
    boxes_xyxy = _as_tensor(boxes, torch.float32, what)
    if boxes_xyxy.numel() == 0:
        return boxes_xyxy.reshape(0, 4)
    try:
        check_boxes_xyxy(boxes_xyxy)
    except InputError as error:
        raise InputError(f"{what}: {error}") from None
    if not (boxes_xyxy[:, 2:] > boxes_xyxy[:, :2]).all():
        raise InputError(f"{what}: a box has x1 <= x0 or y1 <= y0, or a corner that is no number")
    return boxes_xyxy


def _as_labels(labels: Labels, boxes: int, names: int, photo: int) -> Tensor:
    what = f"labels of photo {photo}"
    classes = _as_tensor(labels, torch.int64, what)
    if classes.shape != (boxes,):
        raise InputError(f"{what} must have shape ({boxes},), one for each box, got {tuple(classes.shape)}")
    if not ((classes >= 0) & (classes < names)).all():
        raise InputError(f"{what} must lie in 0..{names - 1}, indices into the names, got {classes.tolist()}")
    return classes


def _as_tensor(values: Any, dtype: torch.dtype, what: str) -> Tensor:
    try:
        return torch.as_tensor(values, dtype=dtype).cpu()
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} must be numbers in rows of one length ({error})") from None
