"""What training the world's networks shares: pictures drawn by several processes, progress, fp16 weights."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from ezsd.pipeline.data.world.learning import Course, Lesson
from ezsd.pipeline.data.world.names import NAMES
from ezsd.pipeline.data.world.web import (
    OTHERS,
    WebPicture,
    draw_other_picture,
    draw_weathered_picture,
    draw_web_picture,
)

_CHUNK = 256
_TOLD_EVERY = 100


@dataclass(frozen=True)
class WebPictures:
    """Pictures (N, 3, 64, 64) uint8, captions, and labels (N,) int64 into the names that were asked for."""

    pictures: Tensor
    captions: list[str]
    labels: Tensor


def draw_web_pictures(
    seed: int, split: str, count: int, workers: int, names: Sequence[str] = NAMES
) -> WebPictures:
    """Draw pictures 0..count-1 of a split of the web domain."""
    return _drawn(partial(draw_web_picture, seed, split, names=names), count, workers, names)


def draw_other_pictures(seed: int, split: str, count: int, workers: int) -> WebPictures:
    """Draw pictures 0..count-1 of a split that show no category; labels count on from those of `NAMES`."""
    others = _drawn(partial(draw_other_picture, seed, split), count, workers, OTHERS)
    return WebPictures(others.pictures, others.captions, others.labels + len(NAMES))


def joined(first: WebPictures, second: WebPictures) -> WebPictures:
    """The pictures of both."""
    return WebPictures(
        torch.cat([first.pictures, second.pictures]),
        first.captions + second.captions,
        torch.cat([first.labels, second.labels]),
    )


def draw_weathered_pictures(
    seed: int, split: str, count: int, workers: int, names: Sequence[str] = NAMES
) -> WebPictures:
    """The same pictures, as the weather of the scenes would show them."""
    return _drawn(partial(draw_weathered_picture, seed, split, names=names), count, workers, names)


def told(lessons: Iterable[Lesson], course: Course) -> None:
    """Run a training to its end and print how it goes."""
    started = time.monotonic()
    for lesson in lessons:
        done = lesson.step + 1
        if done % _TOLD_EVERY == 0 or done == course.steps:
            rate = done * course.batch_size / (time.monotonic() - started)
            print(f"step {done}/{course.steps}  loss {lesson.loss:.3f}  {rate:.0f} pictures/s", flush=True)


def save_half(state: Mapping[str, Tensor], path: Path) -> None:
    """Write a state dict as safetensors, floats as fp16."""
    halves = {
        name: (value.half() if value.is_floating_point() else value).detach().contiguous()
        for name, value in state.items()
    }
    path.write_bytes(save(halves))


def _drawn(draw: Callable[[int], WebPicture], count: int, workers: int, names: Sequence[str]) -> WebPictures:
    with ProcessPoolExecutor(workers) as pool:
        drawn = list(pool.map(draw, range(count), chunksize=_CHUNK))
    images = torch.from_numpy(np.stack([picture.image for picture in drawn]))
    labels = torch.tensor([names.index(picture.name) for picture in drawn])
    pictures = images.permute(0, 3, 1, 2).contiguous()
    return WebPictures(pictures, [picture.caption for picture in drawn], labels)
