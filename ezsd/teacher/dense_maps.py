"""Features of thousands of boxes from a few forwards, for the cascade miner (not the paper's).

The photo is cut into a grid of tiles of the size that the image tower takes. The tower's last feature maps of
all tiles are stitched to maps of the whole photo, and boxes are pooled from those.
"""

import math
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad
from torchvision.ops import roi_align

from ezsd.boxes import scale_xyxy
from ezsd.errors import InputError
from ezsd.teacher.protocol import Teacher

TILES_ON_SHORT_SIDE = 4
MAX_TILES_ON_LONG_SIDE = 32
"""Photos more than eight times as long as wide would need more; they get larger tiles."""
MAX_CHANNELS = 64
CONTEXT_FACTOR = 2.0
"""A box is pooled twice: tight, and with context of twice its size."""


@runtime_checkable
class DenseTeacher(Teacher, Protocol):
    """A teacher that also returns feature maps."""

    def dense_maps(self, pixels: Tensor) -> list[Tensor]:
        """The image tower's last feature maps of normalised pixels `(N, 3, S, S)`: each `(N, C, h, w)`."""
        ...


def require_dense(teacher: Teacher) -> DenseTeacher:
    """Return the teacher; raises InputError when it has no dense maps."""
    if not isinstance(teacher, DenseTeacher):
        raise InputError("the cascade needs a teacher with dense_maps: mine exhaustively")
    return teacher


def count_tiles(original_size: tuple[int, int]) -> int:
    """Number of forwards of `photo_maps` for a photo of (height, width)."""
    rows, columns = _tile_grid(original_size)
    return rows * columns


@torch.inference_mode()
def photo_maps(photo: Tensor, teacher: DenseTeacher) -> list[Tensor]:
    """Feature maps of a whole photo, uint8 `(3, H, W)`: each float32 `(C, h, w)` with C <= 64, on the CPU.

    A map covers the grid of tiles, which starts at the photo's top left and may extend beyond its right and
    bottom.
    """
    rows, columns = _tile_grid((photo.shape[1], photo.shape[2]))
    tiles = _cut_tiles(photo, rows, columns, teacher.image_size)
    maps = teacher.dense_maps(teacher.pixels(tiles))
    return [_limit_channels(_stitch(one.float().cpu(), rows, columns)) for one in maps]


def describe_boxes(maps: Sequence[Tensor], boxes_xyxy: Tensor, original_size: tuple[int, int]) -> Tensor:
    """Features of boxes: pooled tight and with context from the maps, and the box's shape.

    Args:
        maps: from `photo_maps`.
        boxes_xyxy: float32 `(N, 4)`, absolute pixels of the photo.
        original_size: (height, width) of the photo.

    Returns:
        float32 `(N, F)`.
    """
    covered_width = _tile_grid(original_size)[1] * _tile_side(original_size)
    parts = []
    for one in maps:
        scale = one.shape[2] / covered_width
        for boxes, cells in ((boxes_xyxy, 2), (scale_xyxy(boxes_xyxy, CONTEXT_FACTOR), 1)):
            parts.append(roi_align(one[None], [boxes], cells, scale, 2, True).flatten(1))
    sides = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).clamp(min=1) / min(original_size)
    logs = sides.log()
    return torch.cat([*parts, logs, logs.square(), logs.prod(dim=1, keepdim=True)], dim=1)


def _tile_side(original_size: tuple[int, int]) -> float:
    """Side of a tile in pixels of the photo."""
    return max(min(original_size) / TILES_ON_SHORT_SIDE, max(original_size) / MAX_TILES_ON_LONG_SIDE)


def _tile_grid(original_size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of tiles that cover the photo; a rounding error adds no tile."""
    side = _tile_side(original_size)
    return math.ceil(original_size[0] / side - 1e-6), math.ceil(original_size[1] / side - 1e-6)


def _cut_tiles(photo: Tensor, rows: int, columns: int, size: int) -> Tensor:
    """The photo, resized and padded with black to fill the grid: uint8 `(rows * columns, 3, S, S)`."""
    original_size = (photo.shape[1], photo.shape[2])
    factor = size / _tile_side(original_size)
    height, width = (max(1, round(side * factor)) for side in original_size)
    resized = interpolate(photo[None].float(), size=(height, width), mode="bicubic", antialias=True)
    canvas = pad(resized, (0, max(0, columns * size - width), 0, max(0, rows * size - height)))
    canvas = canvas[:, :, : rows * size, : columns * size].round().clamp(0, 255).to(torch.uint8)
    tiles = canvas.reshape(3, rows, size, columns, size).permute(1, 3, 0, 2, 4)
    return tiles.reshape(rows * columns, 3, size, size)


def _stitch(maps: Tensor, rows: int, columns: int) -> Tensor:
    """Join maps of tiles `(rows * columns, C, h, w)` to one map `(C, rows * h, columns * w)`."""
    _, channels, height, width = maps.shape
    grid = maps.reshape(rows, columns, channels, height, width).permute(2, 0, 3, 1, 4)
    return grid.reshape(channels, rows * height, columns * width).contiguous()


def _limit_channels(one: Tensor) -> Tensor:
    """Reduce to at most `MAX_CHANNELS`, by a fixed random projection, which roughly keeps distances."""
    channels = one.shape[0]
    if channels <= MAX_CHANNELS:
        return one
    generator = torch.Generator().manual_seed(channels)
    projection = torch.randn((MAX_CHANNELS, channels), generator=generator) / math.sqrt(channels)
    return (projection @ one.flatten(1)).reshape(MAX_CHANNELS, *one.shape[1:])
