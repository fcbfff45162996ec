"""The regular grid of candidate boxes (paper, section 3.3)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ezsd.boxes import clip_xyxy


def fit_scale(original_size: tuple[int, int], long_side: int, short_side: int) -> float:
    """The factor that scales a photo of `original_size` (height, width) to fit a long and a short side.

    With the paper's limits of 1333 and 800, 640x480 grows by 800/480 to 1067x800.
    """
    return min(long_side / max(original_size), short_side / min(original_size))


def anchor_shapes(stride: int, scales: Sequence[float], ratios: Sequence[float]) -> Tensor:
    """Width and height of each anchor of a cell, `(S * R, 2)` float64, in pixels of the grid's frame.

    Scale s and ratio r give the area (s * stride)^2 and height / width = r. Ratios vary fastest.
    """
    sides = [
        (scale * stride / math.sqrt(ratio), scale * stride * math.sqrt(ratio))
        for scale in scales
        for ratio in ratios
    ]
    return torch.tensor(sides, dtype=torch.float64).reshape(-1, 2)


def anchor_centres(grid_size: tuple[int, int], stride: int) -> Tensor:
    """Centres (x, y) of the cells that cover a frame of `grid_size` (height, width), `(cells, 2)` float64.

    Row by row from the top left, with the cells that the border cuts.
    """
    rows, columns = (math.ceil(side / stride) for side in grid_size)
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return (torch.stack([x, y], dim=-1).reshape(-1, 2).double() + 0.5) * stride


def anchor_boxes_xyxy(
    original_size: tuple[int, int],
    scale: float,
    stride: int = 32,
    scales: Sequence[float] = (1, 2, 4, 8, 16),
    ratios: Sequence[float] = (0.5, 1.0, 2.0),
) -> Tensor:
    """All anchors of one photo, in its own pixels.

    The grid covers the photo resized by `scale`; its boxes are mapped back to `original_size` and clipped, so
    that crops are cut from the photo at full resolution.

    Args:
        original_size: (height, width) of the photo.
        scale: size of the resized photo / size of the photo.
        stride: pixels of the resized photo between cells.
        scales: S values, side of an anchor / stride.
        ratios: R values, height / width of an anchor.

    Returns:
        float32 `(cells * S * R, 4)`: cell by cell (row by row), then scale, then ratio. A 640x480 photo at
        800/480 has 850 cells of 15 anchors: 12,750 boxes.
    """
    grid_size = (max(1, round(original_size[0] * scale)), max(1, round(original_size[1] * scale)))
    centres = anchor_centres(grid_size, stride)[:, None]
    half = anchor_shapes(stride, scales, ratios)[None] / 2
    boxes = torch.cat([centres - half, centres + half], dim=2).reshape(-1, 4)
    to_original = torch.tensor(
        [original_size[1] / grid_size[1], original_size[0] / grid_size[0]] * 2, dtype=torch.float64
    )
    return clip_xyxy(boxes * to_original, original_size).float()
