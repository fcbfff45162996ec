"""In which order, and how often, an epoch shows the photos."""

import math
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor


def repeat_factors(labels: Sequence[Tensor], threshold: float) -> list[float]:
    """How often an epoch shows each photo (repeat-factor sampling, LVIS, section 4.2).

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


def epoch_order(factors: Sequence[float], seed: int, epoch: int) -> list[int]:
    """Photo numbers in the random order of one epoch; a factor of 2.3 gives two or three showings.

    Depends on `seed` and `epoch` alone, so that an interrupted run can go on at any epoch.
    """
    generator = torch.Generator().manual_seed(seed * 100_003 + epoch)
    wanted = torch.tensor(factors, dtype=torch.float64)
    times = (wanted + torch.rand(len(wanted), generator=generator, dtype=torch.float64)).floor().long()
    repeated = torch.arange(len(wanted)).repeat_interleave(times)
    order: list[int] = repeated[torch.randperm(len(repeated), generator=generator)].tolist()
    return order
