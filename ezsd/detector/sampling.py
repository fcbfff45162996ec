"""Random samples that depend only on the image."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler

IGNORED = -1
"""Label of a target's box that is neither an object nor background."""

JITTER_SHIFT, JITTER_LOG_SCALE = 0.15, 0.2


class SeededSampler(BalancedPositiveNegativeSampler):
    """torchvision's balanced sampler of positives and negatives, with one seed an image.

    The sample of an image depends neither on the other images of the batch nor on the number of processes,
    and is the same after a resume.
    """

    def __init__(self, per_image: int, object_fraction: float) -> None:
        super().__init__(per_image, object_fraction)
        self.seeds: Sequence[int] = ()

    def __call__(self, matched_idxs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """From labels `(R,)` of each image (-1: ignore, 0: background) to masks `(R,)` of both samples."""
        objects, background = [], []
        for matched, seed in zip(matched_idxs, self.seeds, strict=True):
            generator = torch.Generator(matched.device).manual_seed(seed)
            wanted = int(self.batch_size_per_image * self.positive_fraction)
            chosen = _choose(matched > 0, wanted, generator)
            objects.append(chosen)
            left = self.batch_size_per_image - int(chosen.sum())
            background.append(_choose(matched == 0, left, generator))
        return objects, background


def jitter_boxes(boxes_xyxy: Tensor, copies: int, seed: int) -> Tensor:
    """Copies (copies * G, 4) of boxes (G, 4), moved and scaled at random, which overlap them well.

    Centres move by at most `JITTER_SHIFT` of a side, sides grow or shrink by at most a factor of
    exp(`JITTER_LOG_SCALE`).
    """
    generator = torch.Generator(boxes_xyxy.device).manual_seed(seed)
    start, end = boxes_xyxy.repeat(copies, 1).split(2, dim=1)
    shift, log_scale = 2 * torch.rand(2, *start.shape, generator=generator, device=start.device) - 1
    centre = (start + end) / 2 + JITTER_SHIFT * shift * (end - start)
    half = (end - start) * (JITTER_LOG_SCALE * log_scale).exp() / 2
    return torch.cat([centre - half, centre + half], dim=1)


def _choose(candidates: Tensor, at_most: int, generator: torch.Generator) -> Tensor:
    """Sample at most `at_most` of the candidates, bool `(R,)`, uniformly; a mask, bool `(R,)`."""
    rows = torch.where(candidates)[0]
    order = torch.randperm(len(rows), generator=generator, device=rows.device)[:at_most]
    chosen = torch.zeros_like(candidates)
    chosen[rows[order]] = True
    return chosen
