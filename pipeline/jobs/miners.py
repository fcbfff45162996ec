"""What the methods of mining have in common: what a method is given, and what it gives to the workers.

Each method is a module `mine_<method>` with `prepare_miner(inputs: MiningInputs) -> MinerSource`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from ezsd.mining.config import MineConfig
from ezsd.mining.proposals import Judge, Proposals
from ezsd.pipeline.data.photos import PhotoFolder
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.models.teacher import RenormalizedTeacher
from ezsd.pipeline.stage import StageContext

Miner = Callable[[Tensor, Tensor, Judge, MineConfig], Proposals]
"""Photo, its base boxes, teacher and recipe to proposals, as `mine_exhaustively`."""


class MinerSource(Protocol):
    """Says which miner; travels to workers, which models would do slowly.

    `score` says what a proposal's score is: `CERTAINTY` or `OBJECTNESS` of `ezsd.mining.score`.
    """

    @property
    def score(self) -> str: ...

    @property
    def scored_enlarge(self) -> float | None:
        """How much wider than the box the crop is that the score comes from; None when it is of no crop."""
        ...

    def load(self) -> Miner:
        """The miner. Raises ArtifactError when what it has learned is missing or damaged."""
        ...


@dataclass(frozen=True)
class MiningInputs:
    """What a method may learn from: base boxes, photos, and the re-normalized teacher."""

    context: StageContext
    teacher: RenormalizedTeacher
    prepared: Prepared
    photos: PhotoFolder
