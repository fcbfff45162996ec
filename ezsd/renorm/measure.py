"""Statistics of a teacher on a domain: activations of its norm layers, features, accuracy."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ezsd.renorm.labelled_crops import LabelledCrops
from ezsd.renorm.norm_layers import NormLayer, find_norm_layers
from ezsd.teacher.name_embeddings import embed_names
from ezsd.teacher.prompts import Prompts
from ezsd.teacher.protocol import Teacher

BATCH = 128


class Moments:
    """Running mean and variance of each channel, in float64."""

    def __init__(self, channels: int) -> None:
        self._count = 0
        self._sum = torch.zeros(channels, dtype=torch.float64)
        self._squares = torch.zeros(channels, dtype=torch.float64)

    def add(self, rows: Tensor) -> None:
        """Add rows `(n, C)`."""
        rows = rows.detach().cpu().double()
        self._count += len(rows)
        self._sum += rows.sum(dim=0)
        self._squares += rows.square().sum(dim=0)

    @property
    def mean(self) -> Tensor:
        """float64 `(C,)`; zeros before the first row."""
        return self._sum / max(self._count, 1)

    @property
    def variance(self) -> Tensor:
        """float64 `(C,)`, population variance (divided by n)."""
        return (self._squares / max(self._count, 1) - self.mean.square()).clamp(min=0)


@dataclass(frozen=True)
class DomainStatistics:
    """Result of one pass over a sample of base boxes.

    Attributes:
        activations: moments of each norm layer's output, over crops and positions in the image tower, over
            prompts and positions in the text tower.
        feature_mean: float64 `(D,)` of the L2-normalised embeddings.
        feature_covariance: float64 `(D, D)`.
        accuracy: fraction of the boxes whose nearest name is the right one.
        boxes: number of boxes.
    """

    activations: Mapping[str, Moments]
    feature_mean: Tensor
    feature_covariance: Tensor
    accuracy: float
    boxes: int


@torch.no_grad()
def measure_domain(
    teacher: Teacher,
    names: Sequence[str],
    prompts: Prompts,
    data: LabelledCrops,
    photos: Sequence[int],
    on_boxes: Callable[[int], None] = lambda boxes: None,
) -> DomainStatistics:
    """Encode the boxes of the chosen photos and collect statistics.

    Args:
        teacher: raw or re-normalized.
        names: names that the labels index.
        prompts: texts of the names.
        data: labelled crops.
        photos: photo numbers.
        on_boxes: called with the number of boxes of each batch, for progress.
    """
    correct = boxes = 0
    feature_sum = torch.zeros(teacher.dim, dtype=torch.float64)
    feature_squares = torch.zeros((teacher.dim, teacher.dim), dtype=torch.float64)
    with watch_norm_layers(find_norm_layers(teacher, "both")) as activations:
        text = embed_names(teacher, names, prompts)
        for crops, labels in data.batches(photos, BATCH):
            features = teacher.encode_images(teacher.pixels(crops))
            correct += int(((features @ text.T).argmax(dim=1).cpu() == labels).sum())
            boxes += len(labels)
            wide = features.cpu().double()
            feature_sum += wide.sum(dim=0)
            feature_squares += wide.T @ wide
            on_boxes(len(labels))
    mean = feature_sum / max(boxes, 1)
    covariance = feature_squares / max(boxes, 1) - torch.outer(mean, mean)
    return DomainStatistics(activations, mean, covariance, correct / max(boxes, 1), boxes)


@contextmanager
def watch_norm_layers(layers: Sequence[NormLayer]) -> Iterator[dict[str, Moments]]:
    """Within the context, the outputs of the layers are added to their moments, by name of the layer."""
    moments = {layer.name: Moments(len(layer.gamma)) for layer in layers}

    def watch(layer: NormLayer) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
            moments[layer.name].add(layer.channel_rows(output))

        return layer.module.register_forward_hook(hook)

    handles = [watch(layer) for layer in layers]
    try:
        yield moments
    finally:
        for handle in handles:
            handle.remove()
