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


REGRESSORS: dict[str, type[PlainRegressor] | type[SemanticRegressor]] = {
    "plain": PlainRegressor,
    "semantic": SemanticRegressor,
}


def _output(width: int) -> nn.Linear:
    layer = nn.Linear(width, 4)
    nn.init.normal_(layer.weight, std=0.001)
    nn.init.zeros_(layer.bias)
    return layer
