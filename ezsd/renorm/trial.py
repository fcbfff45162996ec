"""What a probe of re-normalization measured, and the choice made from it (not the paper's)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

KINDS = ("names", "names_alone", "boxes")
"""Boxes of held-back names, among all base names; the same among the held-back names alone; boxes of tuned
names in held-back photos, among all base names."""

NAMES, _, BOXES = range(len(KINDS))

CLEARLY = 2.0
"""Standard errors by which accuracy must fall for the fall to count as one."""


@dataclass(frozen=True)
class Choice:
    """The epoch to stop after, from 1, and the way from raw to tuned norm layers in (0, 1]."""

    epoch: int
    way: float


@dataclass(frozen=True)
class Trial:
    """Accuracy on held-back boxes; E epochs, W ways, and the three kinds of `KINDS`.

    Attributes:
        ways: float64 `(W,)`.
        counts: int64 `(3,)`, number of boxes.
        raw: float64 `(3,)`, accuracy of the raw teacher, in 0..1.
        accuracy: float64 `(E, W, 3)`, in 0..1.
        error: float64 `(E, W, 3)`, standard error of the difference from `raw` (paired).
    """

    ways: Tensor
    counts: Tensor
    raw: Tensor
    accuracy: Tensor
    error: Tensor

    @property
    def epochs(self) -> int:
        """Epochs that were measured."""
        return len(self.accuracy)

    def choose(self) -> Choice:
        """The candidate with the highest mean accuracy on held-back names and boxes, where neither falls.

        If there is none, it is one where neither falls clearly; if there is none either, the best mean. Of
        equal ones it is the earliest, and of these the nearest to the raw teacher.
        """
        both, error = (values[:, :, [NAMES, BOXES]] for values in (self.accuracy, self.error))
        score, raw = both.mean(dim=2), self.raw[[NAMES, BOXES]]
        for slack in (0.0, CLEARLY):
            holds = (both >= raw - slack * error).all(dim=2)
            if holds.any():
                return self._best(torch.where(holds, score, -1.0))
        return self._best(score)

    def at(self, choice: Choice) -> tuple[Tensor, Tensor]:
        """Accuracy and error of a candidate, `(3,)` each."""
        place = choice.epoch - 1, self.ways.tolist().index(choice.way)
        return self.accuracy[place], self.error[place]

    def _best(self, score: Tensor) -> Choice:
        epoch, way = divmod(int(score.flatten().argmax()), len(self.ways))
        return Choice(epoch + 1, float(self.ways[way]))

    def with_epoch(self, rights: Sequence[Sequence[Tensor]], raw_rights: Sequence[Tensor]) -> "Trial":
        """The trial with one epoch more.

        Args:
            rights: for each way and kind, which boxes got their name: bool `(n,)`.
            raw_rights: the same for the raw teacher, by kind.
        """
        accuracy, error = self.accuracy.new_zeros((2, 1, len(self.ways), len(KINDS)))
        for way, by_kind in enumerate(rights):
            for kind, (now, before) in enumerate(zip(by_kind, raw_rights, strict=True)):
                gain = now.double() - before.double()
                accuracy[0, way, kind] = now.double().mean()
                error[0, way, kind] = gain.std(correction=0) / len(gain) ** 0.5
        return Trial(
            self.ways,
            self.counts,
            self.raw,
            torch.cat([self.accuracy, accuracy]),
            torch.cat([self.error, error]),
        )


def start_trial(ways: Sequence[float], raw_rights: Sequence[Tensor]) -> Trial:
    """A trial without an epoch; `raw_rights` as for `Trial.with_epoch`."""
    empty = torch.zeros((0, len(ways), len(KINDS)), dtype=torch.float64)
    return Trial(
        torch.tensor(ways, dtype=torch.float64),
        torch.tensor([len(right) for right in raw_rights]),
        torch.stack([right.double().mean() for right in raw_rights]),
        empty,
        empty,
    )
