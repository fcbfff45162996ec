"""Distillation: the student learns the teacher's embeddings of boxes (docs/method.md, section 4).

The loss is ViLD's (arXiv 2104.13921).
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def normalize_weights(weights: Tensor) -> Tensor:
    """Scale the weights `(R,)` >= 0 of one image to mean 1; all become 1 if they sum to 0."""
    total = weights.sum()
    return torch.where(total > 0, weights * (len(weights) / total.clamp(min=1e-12)), torch.ones_like(weights))


def distillation_loss(
    student: Tensor, teacher: Tensor, weights: Tensor, rows_per_image: Sequence[int]
) -> Tensor:
    """Weighted L1 between unit embeddings: mean over dimensions and boxes, times the number of dimensions.

    Args:
        student: `(R, D)` embeddings of the boxes of all images, image after image; normalised here.
        teacher: `(R, D)` cached embeddings of the same boxes; normalised here: they were stored as fp16.
        weights: `(R,)` >= 0, 1 for ground truth, confidence for proposals; scaled to mean 1 per image.
        rows_per_image: number of rows of each image; an image without rows adds 0.

    Returns:
        Scalar: the mean over images, so that an image's weight does not depend on the others.
    """
    distance = (F.normalize(student, dim=1) - F.normalize(teacher, dim=1)).abs().sum(dim=1)
    counts = list(rows_per_image)
    scaled = torch.cat([normalize_weights(part) for part in weights.split(counts)])
    rows = torch.repeat_interleave(
        torch.tensor([1.0 / max(count, 1) for count in counts], device=distance.device),
        torch.tensor(counts, device=distance.device),
    )
    return (distance * scaled * rows).sum() / len(counts)
