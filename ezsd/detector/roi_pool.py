"""Regions of any size to grids of one size: RoIAlign (arXiv 1703.06870) on a pyramid (arXiv 1612.03144)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align

CANONICAL_STRIDE = 16
CANONICAL_SHARE = 224 / 800
"""A square of 224 pixels in a photo whose short side is 800 is pooled from the level of stride 16."""
ADAPTIVE = 0
"""RoIAlign reads as many points of a cell as the region has pixels of the map there."""


class RegionPool(nn.Module):
    """Each region is pooled from the one level that fits its size.

    The size that belongs to a level scales with the photos: in photos a third as large, a region a third as
    large is pooled from the same level.
    """

    def __init__(self, strides: Sequence[int], side: int, short_side: int) -> None:
        """For levels named "0", "1", ... of these strides, each twice the last.

        Args:
            strides: of each level, in pixels, fine to coarse.
            side: S, cells of the grid on a side.
            short_side: of the photos at test, in pixels.
        """
        super().__init__()
        self._strides, self._side = tuple(strides), side
        self._canonical = CANONICAL_SHARE * short_side

    def forward(self, features: dict[str, Tensor], boxes_xyxy: Sequence[Tensor]) -> Tensor:
        """Maps (N, C, H, W) of the levels, boxes (R, 4) of each image -> (all R, C, S, S), image by image."""
        boxes = torch.cat(list(boxes_xyxy))
        images = torch.cat([torch.full_like(each[:, :1], n) for n, each in enumerate(boxes_xyxy)])
        return self.of_regions(features, torch.cat([images, boxes], dim=1))

    def of_regions(self, features: dict[str, Tensor], regions: Tensor) -> Tensor:
        """As `forward`, for regions (R, 5) in any order: the number of the image, then its box."""
        levels = self.levels(regions[:, 1:])
        rows = [torch.where(levels == level)[0] for level in range(len(self._strides))]
        pooled = [
            roi_align(features[str(level)], regions[of_level], self._side, 1 / stride, ADAPTIVE, aligned=True)
            for level, (stride, of_level) in enumerate(zip(self._strides, rows, strict=True))
        ]
        return torch.cat(pooled)[torch.cat(rows).argsort()]

    def levels(self, boxes_xyxy: Tensor) -> Tensor:
        """Number of the level (R,) int64 of each box (R, 4)."""
        sides = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).prod(dim=1).sqrt()
        strides = CANONICAL_STRIDE * sides / self._canonical
        return (strides / self._strides[0]).log2().floor().clamp(0, len(self._strides) - 1).long()
