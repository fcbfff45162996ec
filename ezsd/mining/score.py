"""The score of a proposal: how certain the teacher is about its crop (paper, section 3.3)."""

import math

import torch
from torch import Tensor

CERTAINTY, OBJECTNESS = "ln C - entropy", "objectness"
"""Kinds of score: how certain the teacher is of a name, or a network of an object."""


def name_probabilities(embeddings: Tensor, text: Tensor, logit_scale: float) -> Tensor:
    """Softmax over the names of the scaled cosines.

    Args:
        embeddings: `(N, D)` of crops, L2-normalised.
        text: `(C, D)` of names, L2-normalised.
        logit_scale: factor on the cosines.

    Returns:
        `(N, C)`; rows sum to 1.
    """
    return (logit_scale * embeddings @ text.T).softmax(dim=1)


def highest_score(kind: str, names: int) -> float:
    """The upper end of the range of a kind of score; the lower end is 0."""
    return math.log(names) if kind == CERTAINTY else 1.0


def certainty(probabilities: Tensor) -> Tensor:
    """ln C - entropy: 0 when all C names are equally likely, ln C when one has probability 1.

    Args:
        probabilities: `(N, C)`; rows sum to 1.

    Returns:
        `(N,)` in nats.
    """
    entropy = torch.special.entr(probabilities).sum(dim=1)
    return math.log(probabilities.shape[1]) - entropy
