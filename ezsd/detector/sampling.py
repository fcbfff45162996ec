"""A random choice that is an image's own."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler


class SeededSampler(BalancedPositiveNegativeSampler):
    """torchvision's balanced choice of objects and background, from one seed an image.

    What is chosen in an image depends neither on its neighbours in the batch nor on the number of processes
    that share the batch, and is the same after a resume.
    """

    def __init__(self, per_image: int, object_fraction: float) -> None:
        super().__init__(per_image, object_fraction)
        self.seeds: Sequence[int] = ()

    def __call__(self, matched_idxs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Per image (R,): -1 to ignore, 0 background, > 0 object -> masks (R,) of objects, of background."""
        objects, background = [], []
        for matched, seed in zip(matched_idxs, self.seeds, strict=True):
            generator = torch.Generator(matched.device).manual_seed(seed)
            wanted = int(self.batch_size_per_image * self.positive_fraction)
            chosen = _choose(matched > 0, wanted, generator)
            objects.append(chosen)
            left = self.batch_size_per_image - int(chosen.sum())
            background.append(_choose(matched == 0, left, generator))
        return objects, background


def _choose(candidates: Tensor, at_most: int, generator: torch.Generator) -> Tensor:
    """A mask (R,) bool of at most so many of the candidates (R,) bool, all equally likely."""
    rows = torch.where(candidates)[0]
    order = torch.randperm(len(rows), generator=generator, device=rows.device)[:at_most]
    chosen = torch.zeros_like(candidates)
    chosen[rows[order]] = True
    return chosen
