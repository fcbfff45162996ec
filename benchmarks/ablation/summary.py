"""The reported numbers: means over seeds, the curve, and four ratios."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, stdev

from benchmarks.ablation.plan import WHOLE
from benchmarks.ablation.rows import EZSD, ORACLE, VILD, Row
from benchmarks.ablation.scores import ByGroup, Outcome
from benchmarks.record import Measurement, Target, ratio

NOVEL_TARGET = Target(">=", 1.3)
BASE_TARGET = Target(">=", 0.95)
STEP_TARGET = Target("<=", 0.25)
STEP_MARK = 0.1
"""The paper's claim: the mark to beat."""
ORACLE_TARGET = Target(">=", 0.7)


@dataclass(frozen=True)
class Spread:
    """Mean over seeds and sample standard deviation, None for one seed."""

    mean: float
    deviation: float | None

    def __str__(self) -> str:
        return f"{self.mean:.1f}" if self.deviation is None else f"{self.mean:.1f} ± {self.deviation:.1f}"


@dataclass(frozen=True)
class CurvePoint:
    """AP50 of each seed after a number of steps."""

    steps: int
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return fmean(self.values)


def spread(values: Sequence[float]) -> Spread:
    """Compute mean and deviation of one or more values."""
    return Spread(fmean(values), stdev(values) if len(values) > 1 else None)


def whole_runs(outcomes: Sequence[Outcome], row: Row) -> list[Outcome]:
    """Return the row's runs with all steps."""
    return [outcome for outcome in outcomes if outcome.run.row == row and outcome.run.part == WHOLE]


def group_spread(
    outcomes: Sequence[Outcome], row: Row, score: Callable[[Outcome], ByGroup], group: str
) -> Spread | None:
    """Return a score over the row's whole runs; None if there is none."""
    values = [score(outcome)[group] for outcome in whole_runs(outcomes, row)]
    counted = [value for value in values if value is not None]
    return spread(counted) if counted else None


def curve(outcomes: Sequence[Outcome], row: Row, group: str) -> list[CurvePoint]:
    """Return a group's AP50 against steps, over all runs of the row."""
    values: dict[int, list[float]] = defaultdict(list)
    for outcome in outcomes:
        AP50 = outcome.AP50[group]
        if outcome.run.row == row and AP50 is not None:
            values[outcome.steps].append(AP50)
    return [CurvePoint(steps, tuple(values[steps])) for steps in sorted(values)]


def steps_to_reach(points: Sequence[CurvePoint], target: float) -> float | None:
    """Return the steps at which the mean first reaches `target`, interpolated linearly; None if never.

    A curve that begins at or above the target gives its first point: nothing was measured before it.
    """
    if points and points[0].mean >= target:
        return float(points[0].steps)
    for before, after in pairwise(points):
        if before.mean < target <= after.mean:
            share = (target - before.mean) / (after.mean - before.mean)
            return before.steps + share * (after.steps - before.steps)
    return None


def measure(outcomes: Sequence[Outcome]) -> list[Measurement]:
    """Compute the ratios that these outcomes allow."""
    return [
        *_ratio_of_means(outcomes, "ablation.novel_ap50_ratio", "novel", VILD, NOVEL_TARGET),
        *_ratio_of_means(outcomes, "ablation.base_ap50_ratio", "base", VILD, BASE_TARGET),
        *_step_ratio(outcomes),
        *_ratio_of_means(outcomes, "ablation.oracle_share", "novel", ORACLE, ORACLE_TARGET),
    ]


def _ratio_of_means(
    outcomes: Sequence[Outcome], metric: str, group: str, against: Row, target: Target
) -> list[Measurement]:
    """Compute EZSD's mean AP50 over another row's."""
    own, other = (group_spread(outcomes, row, lambda outcome: outcome.AP50, group) for row in (EZSD, against))
    return [ratio(metric, own.mean / other.mean, target)] if own and other and other.mean > 0 else []


def _step_ratio(outcomes: Sequence[Outcome]) -> list[Measurement]:
    """Compute the steps in which EZSD reaches ViLD-style's final score, over ViLD-style's; None if never."""
    vild, ezsd = (curve(outcomes, row, "novel") for row in (VILD, EZSD))
    if not vild or not ezsd:
        return []
    steps = steps_to_reach(ezsd, vild[-1].mean)
    value = None if steps is None else steps / vild[-1].steps
    return [Measurement("ablation.step_ratio", value, "x", 1.0, STEP_TARGET)]
