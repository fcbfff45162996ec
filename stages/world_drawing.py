"""Draw many pictures of the world at once, on several processes, in an order that does not depend on them."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ezsd.world.names import NAMES
from ezsd.world.web import WebPicture, draw_web_picture

_CHUNK = 256


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
    draw = partial(draw_web_picture, seed, split, names=names)
    with ProcessPoolExecutor(workers) as pool:
        drawn: list[WebPicture] = list(pool.map(draw, range(count), chunksize=_CHUNK))
    images = torch.from_numpy(np.stack([picture.image for picture in drawn]))
    labels = torch.tensor([names.index(picture.name) for picture in drawn])
    pictures = images.permute(0, 3, 1, 2).contiguous()
    return WebPictures(pictures, [picture.caption for picture in drawn], labels)
