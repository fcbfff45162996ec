"""Re-normalization without labels and training, from statistics of the domain (not the paper's).

A BatchNorm layer holds statistics of its training data; they are replaced by those of the box crops (adaptive
batch normalisation, Li et al. 2016). A LayerNorm holds none. Its reference is its output on whole photos, on
which CLIP was trained: gamma and beta are changed so that each channel has the same mean and variance on box
crops. Only the image tower is changed.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from ezsd.renorm.measure import Moments, watch_norm_layers
from ezsd.renorm.norm_layers import NormLayer, find_norm_layers
from ezsd.teacher.protocol import Teacher

LARGEST_GAIN = 4.0
"""Largest factor by which a gamma changes: dividing by the variance of a constant channel means nothing."""


@torch.no_grad()
def renormalize_by_statistics(teacher: Teacher, whole_photos: Tensor, box_crops: Tensor) -> None:
    """Change the image tower's norm layers in place.

    Each layer is set while the crops pass through it, so that later layers get the inputs that they will get
    afterwards. Both sets go through the tower in one batch each: some hundred images are enough.

    Args:
        teacher: any teacher.
        whole_photos: uint8 `(P, 3, S, S)`, at least one; the reference.
        box_crops: uint8 `(N, 3, S, S)`, at least one; the domain.
    """
    layers = find_norm_layers(teacher, "image")
    with watch_norm_layers(layers) as reference:
        teacher.encode_images(teacher.pixels(whole_photos))
    with ExitStack() as stack:
        for layer in layers:
            hook = _setting_hook(layer, reference)
            stack.callback(layer.module.register_forward_hook(hook).remove)
        teacher.encode_images(teacher.pixels(box_crops))


def _setting_hook(
    layer: NormLayer, reference: Mapping[str, Moments]
) -> Callable[[nn.Module, Any, Tensor], Tensor]:
    """A hook that sets the layer from its batch and returns the changed layer's output for it."""

    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        if layer.is_batch_norm:
            _set_running_statistics(layer, inputs[0])
        else:
            _match_output(layer, output, reference[layer.name])
        changed: Tensor = module.forward(*inputs)
        return changed

    return hook


def _set_running_statistics(layer: NormLayer, activation: Tensor) -> None:
    rows = layer.channel_rows(activation).double()
    layer.module.get_buffer("running_mean").copy_(rows.mean(dim=0))
    layer.module.get_buffer("running_var").copy_(rows.var(dim=0, unbiased=False))


def _match_output(layer: NormLayer, output: Tensor, reference: Moments) -> None:
    now = Moments(len(layer.gamma))
    now.add(layer.channel_rows(output))
    tiny = 1e-6
    gain = ((reference.variance + tiny) / (now.variance + tiny)).sqrt()
    gain = gain.clamp(1 / LARGEST_GAIN, LARGEST_GAIN).to(layer.gamma)
    layer.gamma.mul_(gain)
    if layer.beta is not None:
        shift = reference.mean.to(layer.beta) - gain * (now.mean.to(layer.beta) - layer.beta)
        # y = gamma * x + beta: the mean of gamma * x grows by the gain, beta supplies the rest
        layer.beta.copy_(shift)
