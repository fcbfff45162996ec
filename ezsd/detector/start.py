"""What the convolutions between pretrained body and fully connected layers are before the first step."""

from collections.abc import Callable

from torch import nn
from torchvision.ops import FeaturePyramidNetwork

from ezsd.detector.box_head import BoxHead
from ezsd.detector.config import Start


def keep_random(pyramid: FeaturePyramidNetwork, head: BoxHead) -> None:
    """Leave the weights as they were drawn."""


def start_as_identity(pyramid: FeaturePyramidNetwork, head: BoxHead) -> None:
    """Let the pretrained body's features through to the fully connected layers.

    Random convolutions in a row blur them, and a short training is spent on undoing that. The pyramid's
    lateral convolutions become projections that keep lengths and angles as well as so few channels can; all
    others hand each channel on as it is.
    """
    for lateral in _convolutions(pyramid.inner_blocks):
        nn.init.orthogonal_(lateral.weight)
    for convolution in (*_convolutions(pyramid.layer_blocks), *_convolutions(head)):
        nn.init.dirac_(convolution.weight)


STARTS: dict[Start, Callable[[FeaturePyramidNetwork, BoxHead], None]] = {
    "random": keep_random,
    "identity": start_as_identity,
    "closed_form": start_as_identity,  # the rest is solved from photos: `ezsd/training/closed_form.py`
}


def _convolutions(module: nn.Module) -> list[nn.Conv2d]:
    return [each for each in module.modules() if isinstance(each, nn.Conv2d)]
