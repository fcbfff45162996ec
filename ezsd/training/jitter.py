"""Large-scale jitter (not the paper's; arXiv 2012.07177): a photo is shown smaller, or part of it larger."""

from typing import NamedTuple

import torch

from ezsd.training.config import JitterConfig


class Window(NamedTuple):
    """A part of a photo, [left, right) x [top, bottom) in whole pixels."""

    left: int
    top: int
    right: int
    bottom: int


def draw_window(
    config: JitterConfig, size_hw: tuple[int, int], generator: torch.Generator
) -> tuple[Window, float]:
    """Draw the visible part of a photo, and the factor in (0, 1] that scales its short side.

    A factor above 1 becomes a window that is smaller by that factor, at a random place, shown at the photo's
    size; so no step needs more memory than without jitter.

    Args:
        config: range of the factor.
        size_hw: (height, width) of the photo.
        generator: source of random numbers.
    """
    factor = config.smallest + (config.largest - config.smallest) * float(torch.rand((), generator=generator))
    height, width = (max(1, round(side / max(factor, 1.0))) for side in size_hw)
    top = int(torch.randint(size_hw[0] - height + 1, (), generator=generator))
    left = int(torch.randint(size_hw[1] - width + 1, (), generator=generator))
    return Window(left, top, left + width, top + height), min(factor, 1.0)
