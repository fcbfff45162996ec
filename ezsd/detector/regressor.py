"""Class-agnostic box regression, with or without the name's meaning (docs/method.md, section 5).

Deltas are float32 also in mixed precision: in bfloat16 boxes would move by whole pixels.
"""

import torch
from torch import Tensor, nn


class PlainRegressor(nn.Module):
    """Deltas from the region's feature alone."""

    def __init__(self, width: int, embedding_dim: int) -> None:
        super().__init__()
        self.deltas = _output(width)

    def forward(self, features: Tensor, text: Tensor) -> Tensor:
        """`features` (R, F); `text` (R, D) is not looked at -> deltas (R, 4)."""
        return self.deltas(features).float()


class SemanticRegressor(nn.Module):
    """Deltas from the region's feature beside its name's text embedding: what a thing is tells its extent."""

    def __init__(self, width: int, embedding_dim: int) -> None:
        super().__init__()
        self.deltas = _output(width + embedding_dim)

    def forward(self, features: Tensor, text: Tensor) -> Tensor:
        """`features` (R, F), `text` (R, D) of the assigned name, at test of the predicted one -> (R, 4)."""
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
