"""Losses of re-normalization, one value for each box (paper, section 3.2)."""

from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

BoxLoss = Callable[[Tensor, Tensor], Tensor]


def bce_per_box(logits: Tensor, labels: Tensor) -> Tensor:
    """The paper's loss: a binary classification for each base name.

    Args:
        logits: `(N, C)` scaled cosines against the base names.
        labels: int64 `(N,)` in 0..C-1.

    Returns:
        `(N,)`, binary cross-entropy averaged over the names.
    """
    targets = one_hot(labels, logits.shape[1]).to(logits.dtype)
    return binary_cross_entropy_with_logits(logits, targets, reduction="none").mean(dim=1)


def softmax_per_box(logits: Tensor, labels: Tensor) -> Tensor:
    """Softmax cross-entropy, in which base names compete (not the paper's); shapes as in `bce_per_box`."""
    return cross_entropy(logits, labels, reduction="none")


BOX_LOSSES: dict[str, BoxLoss] = {"bce": bce_per_box, "softmax": softmax_per_box}


def area_weights(relative_areas: Tensor) -> Tensor:
    """Larger weights for smaller boxes, with mean 1.

    Args:
        relative_areas: `(N,)`, box area / photo area, in [0, 1].

    Returns:
        `(N,)`: exp(-sqrt(relative area)) divided by its mean (the release's recipe for LVIS).
    """
    raw = (-relative_areas.sqrt()).exp()
    return raw / raw.mean()
