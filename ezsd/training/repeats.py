"""How often an epoch shows each photo, and in which order (repeat-factor sampling, arXiv 1908.03195)."""

import math
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor


def repeat_factors(labels: Sequence[Tensor], threshold: float) -> list[float]:
    """How often an epoch shows each photo on average (arXiv 1908.03195, appendix A).

    A name that a fraction f of the photos holds asks for max(1, sqrt(threshold / f)) showings; a photo
    follows its rarest name. A threshold of 0 shows each photo once.

    Args:
        labels: int64 `(n_i,)` labels of each photo's boxes; a photo may have none.
        threshold: fraction of photos under which a name counts as rare.
    """
    names = [set(of_photo.tolist()) for of_photo in labels]
    photos_with = Counter(label for of_photo in names for label in of_photo)
    factor = {
        label: max(1.0, math.sqrt(threshold * len(labels) / count)) for label, count in photos_with.items()
    }
    return [max((factor[label] for label in of_photo), default=1.0) for of_photo in names]


def draw_repeats(factors: Sequence[float], seed: int, epoch: int) -> Tensor:
    """How often one epoch shows each photo, int64 `(P,)`; a factor of 2.3 gives two or three showings.

    Depends on `seed` and `epoch` alone, so that an interrupted run can go on at any epoch.
    """
    return _round_at_random(factors, _generator(seed, epoch))


def epoch_order(factors: Sequence[float], seed: int, epoch: int) -> list[int]:
    """Photo numbers in the random order of one epoch, each as often as `draw_repeats` says."""
    generator = _generator(seed, epoch)
    repeated = torch.arange(len(factors)).repeat_interleave(_round_at_random(factors, generator))
    order: list[int] = repeated[torch.randperm(len(repeated), generator=generator)].tolist()
    return order


def _generator(seed: int, epoch: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed * 100_003 + epoch)


def _round_at_random(factors: Sequence[float], generator: torch.Generator) -> Tensor:
    """The factors rounded up or down so that they stay what they are on average."""
    wanted = torch.tensor(factors, dtype=torch.float64)
    return (wanted + torch.rand(len(wanted), generator=generator, dtype=torch.float64)).floor().long()
