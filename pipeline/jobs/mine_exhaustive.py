"""`mine.method: exhaustive`: nothing to fit before mining."""

from dataclasses import dataclass

from ezsd.mining.exhaustive import mine_exhaustively
from ezsd.mining.score import CERTAINTY
from ezsd.pipeline.jobs.mine import Miner, MiningInputs


@dataclass(frozen=True)
class ExhaustiveSource:
    """The paper's miner."""

    score: str = CERTAINTY
    scored_context_factor: float = 1.0

    def load(self) -> Miner:
        """The miner."""
        return mine_exhaustively


def prepare_miner(inputs: MiningInputs) -> ExhaustiveSource:
    """Return the miner; there is nothing to prepare."""
    return ExhaustiveSource()
