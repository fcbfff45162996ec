"""From masks to COCO's run lengths (RLE) and back, in pixels of the original photo."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from pycocotools import mask as coco_mask
from torch import Tensor
from torchvision.models.detection.roi_heads import paste_masks_in_image

from ezsd.errors import InputError

INSIDE = 0.5
"""A pixel belongs to an object if its probability is at least this."""

Rle = dict[str, Any]


def run_lengths(segmentation: object, size_hw: tuple[int, int]) -> bytes:
    """COCO's compressed run lengths of a COCO `segmentation`.

    The corners of polygons are clipped to the photo. Polygons with fewer than three corners, which COCO and
    LVIS contain, are left out; if none is left, the mask is empty, which means unknown.

    Args:
        segmentation: polygons, or compressed or uncompressed run lengths.
        size_hw: (height, width) of the photo.

    Raises:
        InputError: it is neither, or of another size.
    """
    if isinstance(segmentation, dict):
        return _checked(segmentation, size_hw)
    polygons = _polygons(segmentation, size_hw)
    if not polygons:
        return _compressed([size_hw[0] * size_hw[1]], size_hw)
    merged = coco_mask.merge(coco_mask.frPyObjects(polygons, *size_hw))
    return bytes(merged["counts"])


def is_empty(counts: bytes, size_hw: tuple[int, int]) -> bool:
    """Whether a mask has no pixel."""
    return int(coco_mask.area({"size": list(size_hw), "counts": counts})) == 0


def decode_masks(counts: Sequence[bytes], size_hw: tuple[int, int]) -> Tensor:
    """Masks of N objects in a photo from their run lengths: uint8 `(N, H, W)`, 0 or 1."""
    if not counts:
        return torch.zeros(0, *size_hw, dtype=torch.uint8)
    stacked = coco_mask.decode([{"size": list(size_hw), "counts": one} for one in counts])
    return torch.from_numpy(np.ascontiguousarray(stacked.transpose(2, 0, 1)))


def paste_masks(probabilities: Tensor, boxes_xyxy: Tensor, size_hw: tuple[int, int]) -> list[Rle]:
    """Run lengths of detected masks for COCO results: `{size: [H, W], counts: text}` each.

    Args:
        probabilities: `(N, S, S)` in [0, 1], a grid over each box.
        boxes_xyxy: `(N, 4)` pixels of the photo.
        size_hw: (height, width) of the photo.
    """
    # one at a time: all masks of a large photo at once would need gigabytes
    return [
        _encode(paste_masks_in_image(grid[None, None], box[None], size_hw)[0, 0] >= INSIDE)
        for grid, box in zip(probabilities.cpu(), boxes_xyxy.cpu(), strict=True)
    ]


def as_rle(counts: bytes, size_hw: tuple[int, int]) -> Rle:
    """Run lengths in COCO's JSON format."""
    return {"size": list(size_hw), "counts": counts.decode("ascii")}


def _encode(mask: Tensor) -> Rle:
    encoded = coco_mask.encode(np.asfortranarray(mask.numpy().astype(np.uint8)))
    return as_rle(encoded["counts"], (mask.shape[0], mask.shape[1]))


def _polygons(segmentation: object, size_hw: tuple[int, int]) -> list[list[float]]:
    if not isinstance(segmentation, list):
        raise InputError("the segmentation is neither a list of polygons nor run lengths")
    limits = np.array([size_hw[1], size_hw[0]], dtype=np.float64)
    polygons = []
    for polygon in segmentation:
        try:
            corners_xy = np.array(polygon, dtype=np.float64).reshape(-1, 2)
        except (TypeError, ValueError, OverflowError):
            raise InputError("a polygon is no list of numbers x, y, x, y, ...") from None
        if not np.isfinite(corners_xy).all():
            raise InputError("a polygon has a corner that is no finite number")
        if len(corners_xy) >= 3:
            polygons.append(np.clip(corners_xy, 0, limits).ravel().tolist())
    return polygons


def _checked(rle: Rle, size_hw: tuple[int, int]) -> bytes:
    """Compressed run lengths; raises InputError unless they fill the photo exactly."""
    counts = rle.get("counts")
    if rle.get("size") != list(size_hw):
        raise InputError(f"run lengths are of size {rle.get('size')}, the photo of {list(size_hw)}")
    try:
        if isinstance(counts, list):
            return _compressed(counts, size_hw)
        decoded = coco_mask.decode({"size": list(size_hw), "counts": str(counts)})
        return bytes(coco_mask.encode(decoded)["counts"])
    except (TypeError, ValueError, OverflowError):
        raise InputError("the run lengths do not fit the photo") from None


def _compressed(counts: list[int], size_hw: tuple[int, int]) -> bytes:
    lengths = np.array(counts)
    if lengths.dtype.kind != "i" or (lengths < 0).any() or lengths.sum() != size_hw[0] * size_hw[1]:
        raise ValueError
    return bytes(coco_mask.frPyObjects({"size": list(size_hw), "counts": counts}, *size_hw)["counts"])
