"""Repeat-factor sampling (arXiv 1908.03195): how often an epoch shows each photo, and in which order."""

import math
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor


def repeat_factors(labels: Sequence[Tensor], threshold: float) -> list[float]:
    """Average number of showings of each photo in an epoch (arXiv 1908.03195, appendix A).

    A name in a fraction f of the photos has the factor max(1, sqrt(threshold / f)); a photo has that of its
    rarest name. With a threshold of 0 all factors are 1.

    Args:
        labels: of the boxes of each photo, int64 `(n_i,)`; n_i may be 0.
        threshold: fraction of photos below which a name is rare.
    """
    names = [set(of_photo.tolist()) for of_photo in labels]
    photos_with = Counter(label for of_photo in names for label in of_photo)
    factor = {
        label: max(1.0, math.sqrt(threshold * len(labels) / count)) for label, count in photos_with.items()
    }
    return [max((factor[label] for label in of_photo), default=1.0) for of_photo in names]


def draw_repeats(factors: Sequence[float], seed: int, epoch: int) -> Tensor:
    """Number of showings of each photo in one epoch, int64 `(P,)`; a factor of 2.3 gives two or three.

    Depends only on `seed` and `epoch`, so that an interrupted run can resume at any epoch.
    """
    return _round_at_random(factors, _generator(seed, epoch))


def epoch_order(factors: Sequence[float], seed: int, epoch: int) -> list[int]:
    """Photo numbers in the random order of one epoch, repeated as by `draw_repeats`."""
    generator = _generator(seed, epoch)
    repeated = torch.arange(len(factors)).repeat_interleave(_round_at_random(factors, generator))
    order: list[int] = repeated[torch.randperm(len(repeated), generator=generator)].tolist()
    return order


def _generator(seed: int, epoch: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed * 100_003 + epoch)


def _round_at_random(factors: Sequence[float], generator: torch.Generator) -> Tensor:
    """Factors rounded up or down at random, so that their mean is kept."""
    wanted = torch.tensor(factors, dtype=torch.float64)
    return (wanted + torch.rand(len(wanted), generator=generator, dtype=torch.float64)).floor().long()
