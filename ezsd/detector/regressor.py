"""Idea 3: class-agnostic box regression that reads the name's text embedding (docs/method.md, section 5).

Deltas are float32 also in mixed precision: bfloat16 would round boxes to whole pixels.
"""

import torch
from torch import Tensor, nn


class PlainRegressor(nn.Module):
    """Deltas from the region's feature only, for comparison."""

    def __init__(self, width: int, embedding_dim: int) -> None:
        super().__init__()
        self.deltas = _output(width)

    def forward(self, features: Tensor, text: Tensor) -> Tensor:
        """From `features` `(R, F)` to deltas `(R, 4)`; `text` `(R, D)` is ignored."""
        return self.deltas(features).float()


class SemanticRegressor(nn.Module):
    """Deltas from the region's feature and its name's text embedding: the name hints at the extent."""

    def __init__(self, width: int, embedding_dim: int) -> None:
        super().__init__()
        self.deltas = _output(width + embedding_dim)

    def forward(self, features: Tensor, text: Tensor) -> Tensor:
        """From `features` `(R, F)` and `text` `(R, D)` to deltas `(R, 4)`.

        `text` is of the assigned name in training and of the predicted name at test.
        """
        return self.deltas(torch.cat([features, text], dim=1)).float()


class ModulatedRegressor(nn.Module):
    """Deltas from the region's feature, of which the name's text embedding scales and shifts each number.

    The paper's regressor is linear in feature and text together, so a name adds the same deltas whatever the
    region. Here it can also choose what of the feature counts: where a sail ends, or where its boat does
    (FiLM, arXiv 1709.07871). It starts as the plain one.
    """

    def __init__(self, width: int, embedding_dim: int) -> None:
        super().__init__()
        self.deltas = _output(width)
        self.modulation = nn.Linear(embedding_dim, 2 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, features: Tensor, text: Tensor) -> Tensor:
        """Arguments and result as for `SemanticRegressor.forward`."""
        scale, shift = self.modulation(text).chunk(2, dim=1)
        return self.deltas(features * (1 + scale) + shift).float()


REGRESSORS: dict[str, type[PlainRegressor] | type[SemanticRegressor] | type[ModulatedRegressor]] = {
    "plain": PlainRegressor,
    "semantic": SemanticRegressor,
    "modulated": ModulatedRegressor,
}


def _output(width: int) -> nn.Linear:
    layer = nn.Linear(width, 4)
    nn.init.normal_(layer.weight, std=0.001)
    nn.init.zeros_(layer.bias)
    return layer
