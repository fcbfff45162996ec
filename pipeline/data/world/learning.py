"""How the world's own networks learn: a contrastive teacher from captions, a backbone from names.

Both see pictures of the web domain only.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from open_clip import CLIP
from torch import Tensor, nn

_MAX_LOGIT_SCALE = math.log(30)
"""Keeps cosines of different names well apart, for a student that copies them, and entropies graded."""

_CLIP_NORM = 1.0
_PAIR_WEIGHT = 0.1


@dataclass(frozen=True)
class Course:
    """Length and pace of a training: AdamW, linear warm-up, then a cosine to zero."""

    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 0.05
    warmup_steps: int = 50

    def rate_at(self, step: int) -> float:
        """Learning rate of a step, 0-based."""
        warmup = min(1.0, (step + 1) / self.warmup_steps)
        return self.learning_rate * warmup * 0.5 * (1 + math.cos(math.pi * step / self.steps))


@dataclass(frozen=True)
class Lesson:
    """What one step said: its 0-based number and its loss."""

    step: int
    loss: float


def contrastive_loss(
    image_features: Tensor, text_features: Tensor, logit_scale: Tensor, labels: Tensor
) -> Tensor:
    """Symmetric contrastive loss in which all pairs of one category are positives (UniCL, arXiv 2204.03610).

    Args:
        image_features, text_features: (N, D) float, L2-normalised.
        logit_scale: scalar that multiplies the cosines.
        labels: (N,) int64, the category of each pair.

    Returns:
        Scalar.
    """
    logits = logit_scale * image_features @ text_features.T
    same = (labels[:, None] == labels[None, :]).to(logits.dtype)
    target = same / same.sum(dim=1, keepdim=True)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def pair_loss(image_features: Tensor, text_features: Tensor, logit_scale: Tensor, labels: Tensor) -> Tensor:
    """Each pair asked by itself, match or no match: SigLIP (arXiv 2303.15343) without its bias.

    Re-normalization tunes with this very question, and the contrastive loss alone never answers it: it says
    which name is nearest, not where "none" begins. Arguments as in `contrastive_loss`.
    """
    logits = logit_scale * image_features @ text_features.T
    same = (labels[:, None] == labels[None, :]).to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, same, reduction="sum") / len(labels)


def learn_contrast(
    model: CLIP,
    pixels_of: Callable[[Tensor], Tensor],
    pictures: Tensor,
    tokens: Tensor,
    labels: Tensor,
    course: Course,
    generator: torch.Generator,
) -> Iterator[Lesson]:
    """Train an open_clip model on captioned pictures; yields after each step.

    Args:
        model: an open_clip model; trained in place.
        pixels_of: from (N, 3, S, S) uint8 to what the image tower takes.
        pictures: (M, 3, S, S) uint8 RGB.
        tokens: (M, L) int64, each picture's caption.
        labels: (M,) int64, each picture's category.
        course: length and pace.
        generator: draws the batches.
    """

    def loss_of(rows: Tensor) -> Tensor:
        images = model.encode_image(pixels_of(pictures[rows]), normalize=True)
        texts = model.encode_text(tokens[rows], normalize=True)
        pairs = (images, texts, model.logit_scale.exp(), labels[rows])
        return contrastive_loss(*pairs) + _PAIR_WEIGHT * pair_loss(*pairs)

    for lesson in _learn(model, loss_of, len(pictures), course, generator):
        with torch.no_grad():
            model.logit_scale.clamp_(0, _MAX_LOGIT_SCALE)
        yield lesson


def learn_names(
    model: nn.Module,
    pixels_of: Callable[[Tensor], Tensor],
    pictures: Tensor,
    labels: Tensor,
    course: Course,
    generator: torch.Generator,
) -> Iterator[Lesson]:
    """Train a classifier on labelled pictures; yields after each step. Arguments as in `learn_contrast`."""

    def loss_of(rows: Tensor) -> Tensor:
        return F.cross_entropy(model(pixels_of(pictures[rows])), labels[rows])

    return _learn(model, loss_of, len(pictures), course, generator)


def _learn(
    model: nn.Module,
    loss_of: Callable[[Tensor], Tensor],
    count: int,
    course: Course,
    generator: torch.Generator,
) -> Iterator[Lesson]:
    optimizer = torch.optim.AdamW(
        _groups(model, course.weight_decay), lr=course.learning_rate, betas=(0.9, 0.98)
    )
    model.train()
    for step, rows in zip(range(course.steps), _batches(count, course.batch_size, generator), strict=False):
        for group in optimizer.param_groups:
            group["lr"] = course.rate_at(step)
        loss = loss_of(rows)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), _CLIP_NORM)
        optimizer.step()
        yield Lesson(step, loss.item())
    model.eval()


def _groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Matrices and kernels decay; norms, biases, scales and embeddings do not."""
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    decayed = [parameter for name, parameter in named if parameter.ndim > 1 and "embedding" not in name]
    kept = [parameter for name, parameter in named if parameter.ndim <= 1 or "embedding" in name]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]


def _batches(count: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Row numbers, a fresh order each pass; the rest of a pass that fills no batch is left out."""
    if batch_size > count:
        raise ValueError(
            f"a batch of {batch_size} cannot be drawn from {count} pictures; lower the batch size"
        )
    while True:
        order = torch.randperm(count, generator=generator)
        yield from order[: count - count % batch_size].split(batch_size)
