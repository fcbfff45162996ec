"""A stage whose module is the benchmark's own."""

from dataclasses import dataclass

from ezsd.pipeline.stage import Stage


@dataclass(frozen=True)
class OwnStage(Stage):
    """Takes a stage's place in the graph: same folder, another module.

    Its code is in the fingerprint, so the pipeline refuses what it makes as stale.
    """

    own_module: str = ""

    @property
    def module(self) -> str:
        """Dotted name of the stage's module."""
        return self.own_module
