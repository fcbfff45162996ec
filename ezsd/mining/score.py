"""How sure the teacher is about a crop, before anyone asks what it sees."""

import math

import torch
from torch import Tensor

CERTAINTY, OBJECTNESS = "ln C - entropy", "objectness"
"""What a proposal's score is: how sure the teacher is of a name, or a network that there is some object."""


def name_probabilities(embeddings: Tensor, text: Tensor, logit_scale: float) -> Tensor:
    """Softmax over the names of scaled cosines.

    Args:
        embeddings: `(N, D)` of crops, L2-normalised.
        text: `(C, D)` of names, L2-normalised.
        logit_scale: factor on the cosines.

    Returns:
        `(N, C)`, rows sum to 1.
    """
    return (logit_scale * embeddings @ text.T).softmax(dim=1)


def highest_score(kind: str, names: int) -> float:
    """The upper end of a score's range, which begins at 0."""
    return math.log(names) if kind == CERTAINTY else 1.0


def certainty(probabilities: Tensor) -> Tensor:
    """ln C - entropy (paper, section 3.3): 0 when all C names are equally likely, ln C when one is sure.

    `(N, C)` probabilities to `(N,)`, natural logarithms.
    """
    entropy = torch.special.entr(probabilities).sum(dim=1)
    return math.log(probabilities.shape[1]) - entropy
