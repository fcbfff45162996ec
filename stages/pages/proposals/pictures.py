"""Pictures of a photo: itself, small, and the crops that the teacher saw."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2.functional import to_pil_image

from ezsd.teacher.crops import square_crops

THUMBNAIL_SIDE = 384
LARGEST_TILE = 224
MOST_PROPOSALS = 16383 // LARGEST_TILE
"""A WebP picture has at most 16,383 rows of pixels, and the sheet a row of crops for each proposal."""

_QUALITY = 78
_EFFORT = 2  # of 0 to 6: four times as fast as the highest, for a tenth more bytes


@dataclass(frozen=True)
class CropView:
    """One way in which the teacher looked at a box: `enlarge` about its centre, and what that was for."""

    enlarge: float
    purpose: str


def thumbnail(photo: Tensor) -> bytes:
    """WebP of a uint8 (3, H, W) photo, its long side at most `THUMBNAIL_SIDE`."""
    picture = to_pil_image(photo)
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BICUBIC)
    return _webp(picture)


def tile_side(image_size: int) -> int:
    """Side of a crop on the sheet: what the teacher takes, if that is not very large."""
    return min(image_size, LARGEST_TILE)


def crop_sheet(photo: Tensor, boxes_xyxy: np.ndarray, views: Sequence[CropView], image_size: int) -> bytes:
    """WebP of a table of crops: a row for each box, a column for each view.

    photo: uint8 (3, H, W). boxes_xyxy: (K, 4) pixels of the photo, K at least 1.
    """
    boxes = torch.from_numpy(boxes_xyxy)
    columns = [square_crops(photo, boxes, view.enlarge, image_size) for view in views]
    rows = torch.cat([torch.cat(list(column), dim=1) for column in columns], dim=2)
    sheet = to_pil_image(rows)
    side = tile_side(image_size)
    size = (side * len(views), side * len(boxes))
    return _webp(sheet if sheet.size == size else sheet.resize(size, Image.Resampling.BICUBIC))


def _webp(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="WEBP", quality=_QUALITY, method=_EFFORT)
    return buffer.getvalue()
