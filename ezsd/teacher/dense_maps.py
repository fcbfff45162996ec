"""Features of thousands of boxes from a few forwards, for the cascade miner (not the paper's).

The photo is cut into a grid of tiles of the size that the image tower takes. The tower's last feature maps of
all tiles are stitched to maps of the whole photo, from which boxes are pooled.
"""

import math
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from ezsd.errors import InputError
from ezsd.teacher.protocol import Teacher

TILES_ON_SHORT_SIDE = 4
MAX_TILES_ON_LONG_SIDE = 32
"""Photos more than eight times as long as wide would need more; they get larger tiles."""


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
    """Feature maps of a whole photo, uint8 `(3, H, W)`: each float32 `(C, h, w)`, on the teacher's device.

    A map covers `covered_size`, from the photo's top left.
    """
    rows, columns = _tile_grid((photo.shape[1], photo.shape[2]))
    tiles = _cut_tiles(photo, rows, columns, teacher.image_size)
    maps = teacher.dense_maps(teacher.pixels(tiles))
    return [_stitch(one.float(), rows, columns) for one in maps]


def covered_size(original_size: tuple[int, int]) -> tuple[float, float]:
    """Height and width in pixels that the tiles of a photo of (height, width) cover: at least the photo."""
    rows, columns = _tile_grid(original_size)
    side = _tile_side(original_size)
    return rows * side, columns * side


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
