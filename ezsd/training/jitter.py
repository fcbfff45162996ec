"""Large-scale jitter: a photo is shown smaller, or a part of it larger (arXiv 2012.07177)."""

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
    """What is seen of a photo of that size, and by what factor in 0..1 its short side is scaled.

    Larger than 1 is a window as many times smaller, anywhere in the photo, shown at the photo's size: no
    step needs more memory than without jitter.
    """
    factor = config.smallest + (config.largest - config.smallest) * float(torch.rand((), generator=generator))
    height, width = (max(1, round(side / max(factor, 1.0))) for side in size_hw)
    top = int(torch.randint(size_hw[0] - height + 1, (), generator=generator))
    left = int(torch.randint(size_hw[1] - width + 1, (), generator=generator))
    return Window(left, top, left + width, top + height), min(factor, 1.0)
