"""The runs and their params."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from benchmarks.ablation.rows import CURVE, Row
from ezsd.pipeline.params import Params, parse_params, preset_text
from ezsd.training.schedule import schedule_in_epochs

WHOLE = Fraction(1)
PARTS = (Fraction(1, 2), Fraction(1, 4), Fraction(1, 10))
"""Fractions of the steps for the shorter schedules, each with its own warm-up and decays."""


@dataclass(frozen=True)
class Run:
    """One training: a row, a seed, and a fraction of the steps."""

    row: Row
    seed: int
    part: Fraction = WHOLE

    @property
    def name(self) -> str:
        """`ezsd-seed0`, `ezsd-seed0-1of10`."""
        shorter = "" if self.part == WHOLE else f"-{self.part.numerator}of{self.part.denominator}"
        return f"{self.row.name}-seed{self.seed}{shorter}"


def plan_runs(rows: Sequence[Row], seeds: Sequence[int], parts: Sequence[Fraction]) -> list[Run]:
    """Return all runs, the longest first, so that no process waits for a long one at the end."""
    whole = [Run(row, seed) for row in rows for seed in seeds]
    curve = [Run(row, seed, part) for part in parts for row in rows if row in CURVE for seed in seeds]
    return whole + sorted(curve, key=lambda run: -run.part)


def run_params(run: Run, overrides: Sequence[str]) -> Params:
    """Return the demo's params with the row's, then `overrides`, and the schedule scaled to the part."""
    changes = [*run.row.overrides, *overrides, f"train.seed={run.seed}", "run.workers=1"]
    whole = parse_params(preset_text("demo"), changes).train.schedule
    share = float(run.part)
    schedule = [
        f"train.schedule.epochs={whole.epochs * share}",
        f"train.schedule.decay_epochs={[epoch * share for epoch in whole.decay_epochs]}",
        f"train.schedule.warmup_steps={round(whole.warmup_steps * share)}",
    ]
    return parse_params(preset_text("demo"), [*changes, *schedule])


def world_params(overrides: Sequence[str]) -> Params:
    """Return the demo's params with `overrides`: those of the world that all rows share."""
    return parse_params(preset_text("demo"), overrides)


def planned_steps(params: Params, photos: int) -> int:
    """Return the number of steps of a run over `photos` photos."""
    return schedule_in_epochs(params.train.schedule, photos).steps
