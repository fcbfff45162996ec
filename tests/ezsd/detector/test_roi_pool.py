"""Which level a region is pooled from, and what is read there."""

import pytest
import torch
from torch import Tensor, tensor
from torch.testing import assert_close

from ezsd.detector.roi_pool import RegionPool

STRIDES = (8, 16, 32)


def maps(side: int, value_of: dict[int, float] | None = None) -> dict[str, Tensor]:
    """A pyramid of one channel over a photo of that side, the same value all over each level."""
    values = value_of or {8: 8.0, 16: 16.0, 32: 32.0}
    return {
        str(level): torch.full((1, 1, side // stride, side // stride), values[stride])
        for level, stride in enumerate(STRIDES)
    }


@pytest.mark.parametrize("short_side", [800, 256])
def test_the_level_of_a_box_scales_with_the_photos(short_side: int) -> None:
    """In photos of 800, 224 is the canonical size of stride 16: 112 belongs to 8 and 448 to 32."""
    scale = short_side / 800
    sides = scale * tensor([5.0, 223.0, 225.0, 447.0, 449.0, 2000.0])
    boxes = torch.stack([0 * sides, 0 * sides, sides, sides], dim=1)
    assert RegionPool(STRIDES, 7, short_side).levels(boxes).tolist() == [0, 0, 1, 1, 2, 2]


def test_a_long_box_counts_by_its_area() -> None:
    box = tensor([[0.0, 0.0, 896.0, 56.0]])  # 224 squared
    assert RegionPool(STRIDES, 7, 800).levels(1.001 * box).tolist() == [1]


def test_regions_keep_their_order_over_levels_and_images() -> None:
    pool = RegionPool(STRIDES, 2, 800)
    small, middle, large = [0.0, 0.0, 80.0, 80.0], [0.0, 0.0, 300.0, 300.0], [0.0, 0.0, 500.0, 500.0]
    features = {name: torch.cat([level, -level]) for name, level in maps(512).items()}
    pooled = pool(features, [tensor([large, small]), tensor([middle, large, small])])
    assert pooled.shape == (5, 1, 2, 2)
    assert pooled[:, 0, 0, 0].tolist() == [32, 8, -16, -32, -8]


def test_a_cell_is_the_mean_over_all_pixels_in_it() -> None:
    """Boxes are in the frame where pixel (0, 0) of a map covers the photo from 0 to its stride."""
    features = {**maps(64), "0": torch.arange(64.0).reshape(1, 1, 8, 8)}
    pooled = RegionPool(STRIDES, 2, 800)(features, [tensor([[0.0, 0.0, 32.0, 32.0]])])
    of_cells = features["0"][0, 0, :4, :4].unfold(0, 2, 2).unfold(1, 2, 2).mean(dim=(2, 3))
    assert_close(pooled[0, 0], of_cells)


def test_no_region_gives_no_grid() -> None:
    assert RegionPool(STRIDES, 7, 800)(maps(64), [torch.zeros(0, 4)]).shape == (0, 1, 7, 7)
