"""The box head: from a pooled region to an embedding for classification and a feature for regression."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ezsd.detector.config import BoxHeadConfig, Normalization
from ezsd.detector.normalization import NORMALIZATIONS
from ezsd.errors import InputError

SHARED_CONVOLUTIONS = 3
_FLAT = 2
"""Layers of the classification branch before its first linear one: a convolution, and flattening."""


class BoxHead(nn.Module):
    """3 shared convolutions, then 1 convolution and 2 linear layers each for classification and regression.

    docs/method.md, section 5. The classification branch ends in a projection to the teacher's dimension.
    """

    def __init__(
        self, config: BoxHeadConfig, in_channels: int, embedding_dim: int, normalization: Normalization
    ) -> None:
        super().__init__()
        shared = [in_channels, *[config.channels] * SHARED_CONVOLUTIONS]
        self.shared = nn.Sequential(*(_convolution(i, o, normalization) for i, o in pairwise(shared)))
        self.classification = _branch(config, normalization)
        self.regression = _branch(config, normalization)
        self.projection = nn.Linear(config.width, embedding_dim)

    def embed(self, shared: Tensor) -> Tensor:
        """From shared features `(R, C, S, S)` to L2-normalised embeddings `(R, D)` in the teacher's space."""
        return F.normalize(self.projection(self.classification(shared)).float(), dim=1)

    def flat_features(self, shared: Tensor) -> Tensor:
        """From shared features `(R, C, S, S)` to what the first linear layer reads, `(R, F)`."""
        features: Tensor = self.classification[:_FLAT](shared)
        return features

    def start_linear(self, weight: Tensor, bias: Tensor) -> None:
        """Let `embed` begin as a linear map of `flat_features`, with weight `(D, F)` and bias `(D,)`.

        Two layers with ReLU carry x as max(x, 0) and max(-x, 0). The layers' other numbers stay random
        and begin without effect.

        Raises:
            InputError: the layers are narrower than 2 D.
        """
        first, second = (each for each in self.classification if isinstance(each, nn.Linear))
        dim, width = len(bias), first.out_features
        if width < 2 * dim:
            raise InputError(
                f"a closed-form start needs a box head of width {2 * dim} or more, twice the teacher's "
                f"dimension; this one has {width}: widen it, or choose another start"
            )
        with torch.no_grad():
            first.weight[: 2 * dim] = torch.cat([weight, -weight])
            first.bias[: 2 * dim] = torch.cat([bias, -bias])
            second.weight[: 2 * dim] = torch.eye(2 * dim, width)
            second.bias[: 2 * dim] = 0
            self.projection.weight.copy_(torch.eye(dim, width) - torch.eye(dim, width).roll(dim, dims=1))
            self.projection.bias.zero_()


def _convolution(in_channels: int, out_channels: int, normalization: Normalization) -> nn.Sequential:
    convolution = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
    norm = NORMALIZATIONS[normalization]
    layers = [convolution] if norm is None else [convolution, norm(out_channels)]
    return nn.Sequential(*layers, nn.ReLU(inplace=True))


def _branch(config: BoxHeadConfig, normalization: Normalization) -> nn.Sequential:
    return nn.Sequential(
        _convolution(config.channels, config.channels, normalization),
        nn.Flatten(start_dim=1),
        nn.Linear(config.channels * config.roi_side**2, config.width),
        nn.ReLU(inplace=True),
        nn.Linear(config.width, config.width),
        nn.ReLU(inplace=True),
    )
