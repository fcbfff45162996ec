"""Which base names and photos a probe of re-normalization is not tuned on."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ezsd.errors import InputError
from ezsd.renorm.config import CheckConfig
from ezsd.renorm.labelled_crops import LabelledCrops

FEWEST = 2
"""Names with boxes, and photos: one to tune on and one to hold back."""


@dataclass(frozen=True)
class HeldBack:
    """Base boxes in three parts; boxes of held-back names are in the second, wherever they are.

    Attributes:
        tuned_names: labels that the probe is tuned on, ascending.
        held_names: the other labels that have boxes, ascending.
        tuned: boxes to tune on; their labels index `tuned_names`.
        names: boxes of held-back names.
        boxes: boxes of tuned names in held-back photos.
    """

    tuned_names: tuple[int, ...]
    held_names: tuple[int, ...]
    tuned: LabelledCrops
    names: LabelledCrops
    boxes: LabelledCrops


def hold_back(data: LabelledCrops, config: CheckConfig) -> HeldBack:
    """Divide base boxes; the same seed gives the same parts.

    Raises:
        InputError: the boxes are too few to hold any back.
    """
    generator = torch.Generator().manual_seed(config.seed)
    present = torch.cat([*data.labels, torch.empty(0, dtype=torch.int64)]).unique()
    if len(present) < FEWEST or len(data) < FEWEST:
        raise InputError(
            f"{len(data)} photos with boxes of {len(present)} base names are too few to hold some back: "
            "tune without a check"
        )
    held_names = _draw(len(present), config.held_back, generator)
    held_photos = _draw(len(data), config.held_back, generator)
    unseen = [torch.isin(labels, present[held_names]) for labels in data.labels]
    apart = [torch.full_like(own, bool(held)) for own, held in zip(unseen, held_photos, strict=True)]
    tuned = data.select([~own & ~far for own, far in zip(unseen, apart, strict=True)])
    boxes = data.select([~own & far for own, far in zip(unseen, apart, strict=True)])
    if not len(tuned) or not len(boxes):
        raise InputError(
            f"{sum(map(len, data.labels))} base boxes are too few to hold some back and tune on others: "
            "tune without a check"
        )
    tuned_names = present[~held_names]
    return HeldBack(
        tuple(tuned_names.tolist()),
        tuple(present[held_names].tolist()),
        _relabel(tuned, tuned_names),
        data.select(unseen),
        boxes,
    )


def _draw(count: int, fraction: float, generator: torch.Generator) -> Tensor:
    """True for a random `fraction` of `count` things, for at least one and not for all."""
    held = min(max(1, round(count * fraction)), count - 1)
    chosen = torch.zeros(count, dtype=torch.bool)
    chosen[torch.randperm(count, generator=generator)[:held]] = True
    return chosen


def _relabel(data: LabelledCrops, names: Tensor) -> LabelledCrops:
    labels: Sequence[Tensor] = [torch.searchsorted(names, own) for own in data.labels]
    return LabelledCrops(labels, data.relative_areas, data.crops, data.threads)
