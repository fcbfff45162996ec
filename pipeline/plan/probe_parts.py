"""What the probes share: the clock of a device, and boxes that stand for any others."""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from ezsd.pipeline.plan.rates import Clock, Rate

Task = Callable[[float], Rate]
"""Measures within a limit of seconds."""


def meter_of(device: torch.device) -> Clock:
    """What tells the time of work on a device: on the CPU other programs do not count."""
    return time.process_time if device.type == "cpu" else time.monotonic


def doubled(most: int) -> tuple[int, ...]:
    """1, 2, 4, ... up to `most`."""
    return tuple(2**power for power in range(most.bit_length()))


def evenly_spaced_xyxy(boxes: int, photo: Tensor) -> Tensor:
    """Boxes of a third of the photo's sides, (N, 4) xyxy in pixels, from corner to corner."""
    height, width = photo.shape[1:]
    sides = torch.tensor([width, height]) / 3
    corners = torch.linspace(0, 2, boxes)[:, None] * sides
    return torch.cat([corners, corners + sides], dim=1)
