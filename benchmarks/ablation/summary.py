"""The reported numbers: means over seeds, the curve, what each idea gains, and ratios."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from statistics import fmean, stdev

from benchmarks.ablation.plan import WHOLE
from benchmarks.ablation.rows import BEYOND, EZSD, ORACLE_BOXES, SUPERVISED, VILD, WITHOUT, Row
from benchmarks.ablation.scores import ByGroup, Outcome, Outcomes
from benchmarks.record import Measurement, Target, ratio

NOVEL_TARGET = Target(">=", 1.3)
BASE_TARGET = Target(">=", 0.95)
STEP_TARGET = Target("<=", 0.1)
ORACLE_TARGET = Target(">=", 0.8)
BEYOND_TARGETS = {"novel": Target(">=", 1.25), "base": Target(">=", 0.97)}
HOURS_TARGET = Target("<=", 6)
ERRORS_OF_A_GAIN = 2
"""Standard errors of a gain above which it counts."""
AT_ONCE = 2
"""Runs at a time for which the hours are stated."""


@dataclass(frozen=True)
class Spread:
    """Mean over seeds and sample standard deviation, None for one seed."""

    mean: float
    deviation: float | None

    def __str__(self) -> str:
        return f"{self.mean:.1f}" if self.deviation is None else f"{self.mean:.1f} ± {self.deviation:.1f}"


@dataclass(frozen=True)
class Gain:
    """Mean difference over seeds that both rows have, and its standard error, None for one seed."""

    mean: float
    error: float | None
    seeds: int

    @property
    def verdict(self) -> str:
        """Whether it is a gain beyond chance."""
        if self.error is None:
            return "one seed: not known"
        if abs(self.mean) <= ERRORS_OF_A_GAIN * self.error:
            return "brings nothing"
        return "gains" if self.mean > 0 else "costs"


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


def whole_runs(outcomes: Outcomes, row: Row) -> dict[int, Outcome]:
    """Return the row's runs with all steps, by seed."""
    return {run.seed: one for run, one in outcomes.items() if run.row == row and run.part == WHOLE}


def scores_by_seed(
    outcomes: Outcomes, row: Row, group: str, score: Callable[[Outcome], ByGroup] = lambda one: one.AP50
) -> dict[int, float]:
    """Return a score of a group in the row's whole runs, AP50 by default, by seed."""
    scores = {seed: score(one)[group] for seed, one in whole_runs(outcomes, row).items()}
    return {seed: value for seed, value in scores.items() if value is not None}


def curve(outcomes: Outcomes, row: Row, group: str) -> list[CurvePoint]:
    """Return a group's AP50 against steps, over all runs of the row."""
    values: dict[int, list[float]] = defaultdict(list)
    for run, outcome in outcomes.items():
        AP50 = outcome.AP50[group]
        if run.row == row and AP50 is not None:
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


def gain(outcomes: Outcomes, row: Row, other: Row, group: str) -> Gain | None:
    """Compute a row's AP50 minus another's, seed by seed; None without a common seed."""
    ours, theirs = (scores_by_seed(outcomes, one, group) for one in (row, other))
    differences = [ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())]
    if not differences:
        return None
    count = len(differences)
    error = stdev(differences) / sqrt(count) if count > 1 else None
    return Gain(fmean(differences), error, count)


def measure(outcomes: Outcomes) -> list[Measurement]:
    """Compute the metrics that these outcomes allow."""
    return [
        *_ratio_of_means(outcomes, "ablation.novel_ap50_ratio", "novel", VILD, NOVEL_TARGET),
        *_ratio_of_means(outcomes, "ablation.base_ap50_ratio", "base", SUPERVISED, BASE_TARGET),
        *_step_ratio(outcomes),
        *_ratio_of_means(outcomes, "ablation.oracle_share", "novel", ORACLE_BOXES, ORACLE_TARGET),
        *(one for idea in WITHOUT for one in _idea_gain(outcomes, idea)),
        *_beyond(outcomes),
        *_hours(outcomes),
    ]


def _ratio_of_means(
    outcomes: Outcomes, metric: str, group: str, against: Row, target: Target, row: Row = EZSD
) -> list[Measurement]:
    """Compute a row's mean AP50 over another's, over the seeds that both have."""
    own, other = (scores_by_seed(outcomes, one, group) for one in (row, against))
    seeds = own.keys() & other.keys()
    if not seeds or not (mean := fmean(other[seed] for seed in seeds)):
        return []
    return [ratio(metric, fmean(own[seed] for seed in seeds) / mean, target)]


def _step_ratio(outcomes: Outcomes) -> list[Measurement]:
    """Compute the steps in which EZSD reaches ViLD-style's final score, over ViLD-style's; None if never."""
    vild, ezsd = (curve(outcomes, row, "novel") for row in (VILD, EZSD))
    if not whole_runs(outcomes, VILD) or len(ezsd) < 2:
        return []
    steps = steps_to_reach(ezsd, vild[-1].mean)
    value = None if steps is None else steps / vild[-1].steps
    return [Measurement("ablation.step_ratio", value, "x", 1.0, STEP_TARGET)]


def _idea_gain(outcomes: Outcomes, idea: str) -> list[Measurement]:
    """Measure the points of novel AP50 that EZSD loses without the idea."""
    found, metric = gain(outcomes, EZSD, WITHOUT[idea], "novel"), f"ablation.gain.{idea}"
    if found is None:
        return []
    if found.error is None:
        return [Measurement(metric, found.mean, "points")]
    target = Target(">=", round(ERRORS_OF_A_GAIN * found.error, 2))
    error = Measurement(f"{metric}.standard_error", found.error, "points")
    return [Measurement(metric, found.mean, "points", target=target), error]


def best_beyond(outcomes: Outcomes) -> Row | None:
    """Return the row of `BEYOND` that gains most on novel names over EZSD; None if there is none."""
    gains = {row: gain(outcomes, row, EZSD, "novel") for row in BEYOND}
    found = {row: one.mean for row, one in gains.items() if one is not None}
    return max(found, key=lambda row: found[row], default=None)


def _beyond(outcomes: Outcomes) -> list[Measurement]:
    """Compare the best of what goes beyond the paper with EZSD."""
    best = best_beyond(outcomes)
    if best is None:
        return []
    return [
        one
        for group, target in BEYOND_TARGETS.items()
        for one in _ratio_of_means(outcomes, f"ablation.beyond.{group}_ap50_ratio", group, EZSD, target, best)
    ]


def _hours(outcomes: Outcomes) -> list[Measurement]:
    seconds = sum(one.seconds for one in outcomes.values())
    return (
        [Measurement("ablation.hours", seconds / 3600 / AT_ONCE, "h", target=HOURS_TARGET)] if seconds else []
    )
