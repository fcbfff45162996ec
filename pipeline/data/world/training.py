"""Train the world's own networks on pictures of the web domain: the pictures, the loop, fp16 weights."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from ezsd.pipeline.data.world.names import NAMES
from ezsd.pipeline.data.world.web import (
    OTHERS,
    WebPicture,
    draw_other_picture,
    draw_weathered_picture,
    draw_web_picture,
)

_CHUNK = 256
_CLIP_NORM = 1.0
_PRINT_EVERY = 100


@dataclass(frozen=True)
class WebPictures:
    """Pictures of the web domain.

    Attributes:
        pictures: (N, 3, 64, 64) uint8 RGB.
        captions: N phrases.
        labels: (N,) int64, index into the names that were drawn.
    """

    pictures: Tensor
    captions: list[str]
    labels: Tensor

    def __add__(self, other: "WebPictures") -> "WebPictures":
        pictures = torch.cat([self.pictures, other.pictures])
        return WebPictures(pictures, self.captions + other.captions, torch.cat([self.labels, other.labels]))


def draw_web_pictures(seed: int, split: str, count: int, workers: int) -> WebPictures:
    """Draw pictures 0..count-1 of a split."""
    return _draw(partial(draw_web_picture, seed, split), count, workers, NAMES)


def draw_other_pictures(seed: int, split: str, count: int, workers: int) -> WebPictures:
    """Draw pictures 0..count-1 of a split that show no category; their labels follow those of `NAMES`."""
    others = _draw(partial(draw_other_picture, seed, split), count, workers, OTHERS)
    return WebPictures(others.pictures, others.captions, others.labels + len(NAMES))


def draw_weathered_pictures(
    seed: int, split: str, count: int, workers: int, names: Sequence[str]
) -> WebPictures:
    """Draw pictures 0..count-1 of a split in the weather of the scenes."""
    return _draw(partial(draw_weathered_picture, seed, split, names=names), count, workers, names)


def _draw(draw: Callable[[int], WebPicture], count: int, workers: int, names: Sequence[str]) -> WebPictures:
    with ProcessPoolExecutor(workers) as pool:
        drawn = list(pool.map(draw, range(count), chunksize=_CHUNK))
    images = torch.from_numpy(np.stack([picture.image for picture in drawn]))
    labels = torch.tensor([names.index(picture.name) for picture in drawn])
    pictures = images.permute(0, 3, 1, 2).contiguous()
    return WebPictures(pictures, [picture.caption for picture in drawn], labels)


@dataclass(frozen=True)
class Schedule:
    """AdamW with linear warm-up, then a cosine to zero.

    Attributes:
        steps: training steps.
        batch_size: pictures a step.
        learning_rate: the highest one.
        weight_decay: of matrices and kernels.
        warmup_steps: steps of the warm-up.
    """

    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 0.05
    warmup_steps: int = 50

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, 0-based."""
        warmup = min(1.0, (step + 1) / self.warmup_steps)
        return self.learning_rate * warmup * 0.5 * (1 + math.cos(math.pi * step / self.steps))


def train(
    model: nn.Module,
    loss_of: Callable[[Tensor], Tensor],
    count: int,
    schedule: Schedule,
    generator: torch.Generator,
) -> Iterator[float]:
    """Train a model in place; yields the loss of each step.

    Args:
        model: the model.
        loss_of: from row numbers, (B,) int64, to the loss, a scalar.
        count: number of rows.
        schedule: length and learning rate.
        generator: draws the batches.

    Raises:
        ValueError: a batch has more rows than there are.
    """
    optimizer = torch.optim.AdamW(
        _groups(model, schedule.weight_decay), lr=schedule.learning_rate, betas=(0.9, 0.98)
    )
    model.train()
    batches = _batches(count, schedule.batch_size, generator)
    for step, rows in zip(range(schedule.steps), batches, strict=False):
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate_at(step)
        loss = loss_of(rows)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), _CLIP_NORM)
        optimizer.step()
        yield loss.item()
    model.eval()


def print_progress(losses: Iterator[float], schedule: Schedule) -> None:
    """Run a training to its end and print its loss and speed now and then."""
    started = time.monotonic()
    for done, loss in enumerate(losses, start=1):
        if done % _PRINT_EVERY == 0 or done == schedule.steps:
            rate = done * schedule.batch_size / (time.monotonic() - started)
            print(f"step {done}/{schedule.steps}  loss {loss:.3f}  {rate:.0f} pictures/s", flush=True)


def save_half(state: Mapping[str, Tensor], path: Path) -> None:
    """Write a state dict as safetensors, floats as fp16."""
    halves = {
        name: (value.half() if value.is_floating_point() else value).detach().contiguous()
        for name, value in state.items()
    }
    path.write_bytes(save(halves))


def _groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Matrices and kernels decay; norms, biases, scales and embeddings do not."""
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    decayed = [parameter for name, parameter in named if parameter.ndim > 1 and "embedding" not in name]
    kept = [parameter for name, parameter in named if parameter.ndim <= 1 or "embedding" in name]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]


def _batches(count: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield row numbers, in a new order each pass; an incomplete last batch is dropped."""
    if batch_size > count:
        raise ValueError(
            f"a batch of {batch_size} cannot be drawn from {count} pictures; lower the batch size"
        )
    while True:
        order = torch.randperm(count, generator=generator)
        yield from order[: count - count % batch_size].split(batch_size)
