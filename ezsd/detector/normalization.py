"""What stands between a convolution of the pyramid or of a head and what follows it."""

from collections.abc import Callable

from torch import nn

from ezsd.detector.config import Normalization

CHANNELS_A_GROUP = 8


def group_norm(channels: int) -> nn.GroupNorm:
    """Group normalization (arXiv 1803.08494), which does not depend on how many photos share a batch.

    Groups have `CHANNELS_A_GROUP` channels, or one group has all where that does not divide them.
    """
    groups, left = divmod(channels, CHANNELS_A_GROUP)
    return nn.GroupNorm(1 if left else groups, channels)


NORMALIZATIONS: dict[Normalization, Callable[[int], nn.Module] | None] = {"none": None, "group": group_norm}
"""Channels -> the layer; None where there is none, as in the paper."""
