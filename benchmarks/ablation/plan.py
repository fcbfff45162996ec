"""The runs and their params."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from benchmarks.ablation.rows import CURVE, Row
from ezsd.pipeline.params import Params, parse_params, preset_text
from ezsd.training.schedule import schedule_in_epochs

WHOLE = Fraction(1)
PARTS = tuple(Fraction(1, divisor) for divisor in (2, 4, 8, 16))
"""Fractions of the steps for the shorter schedules, each a training with its own warm-up and decay."""


@dataclass(frozen=True)
class Run:
    """One training: a row, a seed, and a fraction of the steps."""

    row: Row
    seed: int
    part: Fraction = WHOLE

    @property
    def name(self) -> str:
        """`ezsd-seed0`, `ezsd-seed0-1of8`."""
        shorter = "" if self.part == WHOLE else f"-{self.part.numerator}of{self.part.denominator}"
        return f"{self.row.name}-seed{self.seed}{shorter}"


def plan_runs(rows: Sequence[Row], seeds: Sequence[int] | None, parts: Sequence[Fraction]) -> list[Run]:
    """Return all runs, seed by seed, so that what is done when it stops is a comparison.

    Args:
        rows: to train, in this order.
        seeds: None for all.
        parts: of the steps, beside the whole, of the rows of `CURVE`.
    """
    most = max((row.seeds for row in rows), default=0)
    return [
        run
        for seed in (range(most) if seeds is None else seeds)
        for run in (
            *(Run(row, seed) for row in rows if seed < row.seeds),
            *(Run(row, seed, part) for part in parts for row in rows if row in CURVE and seed < row.seeds),
        )
    ]


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


def planned_steps(params: Params) -> int:
    """Return the number of steps of a run on the embedded world, of which no photo is quarantined."""
    assert params.data.world is not None
    return schedule_in_epochs(params.train.schedule, params.data.world.train).steps
