"""Sizes a recipe so that a run ends within a time, by the plan's own rates."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass

from ezsd.pipeline.errors import ParamsError
from ezsd.pipeline.fit import LEAST_STEPS, Tree, with_epochs
from ezsd.pipeline.params import Params, tree_params
from ezsd.pipeline.params.presets import packaged_sizes
from ezsd.pipeline.params.tree import set_key
from ezsd.pipeline.plan.rates import NOTHING, Rate
from ezsd.pipeline.progress import format_seconds

FEWEST_STEPS = 300
"""Steps below which a detector of the least size has learned nothing to speak of."""

_BUDGET = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?:in)?)?")

Timer = Callable[[Params], Mapping[str, Rate]]
"""From params to the seconds of each stage."""


@dataclass(frozen=True)
class Fitted:
    """A recipe that fits.

    Attributes:
        size: name of its size, from `sizes.yaml`.
        tree: plain params.
        steps: of the detector's training.
        planned: seconds of the whole run.
    """

    size: str
    tree: Tree
    steps: int
    planned: Rate


def parse_budget(text: str) -> float:
    """`90m`, `2h` or `1h30m` in seconds; raises ParamsError for any other form."""
    found = _BUDGET.fullmatch(text.strip().lower().replace(" ", ""))
    seconds = 60 * (60 * float(found[1] or 0) + float(found[2] or 0)) if found else 0.0
    if not seconds:
        raise ParamsError(f"--time-budget {text!r} is no time: give hours and minutes, as 90m, 2h or 1h30m")
    return seconds


def fitted_text(fitted: Fitted, budget: float) -> str:
    """What was chosen, and the planned time, in a sentence."""
    params, planned = tree_params(fitted.tree), fitted.planned
    detector, images = params.train.detector, params.train.schedule.images_per_step
    return (
        f"size {fitted.size} for {format_seconds(budget)}: {detector.backbone.name} at "
        f"{detector.short_side} px, {fitted.steps:,} steps of {images} photos, {params.mine.keep} proposals "
        f"a photo, {params.renorm.epochs} epochs of re-normalization; planned "
        f"{format_seconds(planned.seconds)} ({format_seconds(planned.low)} to {format_seconds(planned.high)})"
    )


def fit_to_budget(tree: Tree, photos: int, budget: float, time: Timer) -> Fitted:
    """Choose the largest size that can train for `LEAST_STEPS` in the time, or the least one for fewer.

    The slow end of the range must keep the budget. Time that is left over lengthens the training, up to the
    epochs of the recipe.

    Args:
        tree: plain params with the recipe for these photos; left as they are.
        photos: number of training photos.
        budget: seconds from the first stage to the report.
        time: times params. The least size comes first: larger ones are slow to measure, too.

    Raises:
        ParamsError: the time is too short for the least size; says the least that it needs.
    """
    least, *larger = reversed(list(_sizes(tree)))
    size = _Timed.of(*least, photos, time)
    steps = size.steps_within(budget)
    if steps < (fewest := min(FEWEST_STEPS, size.most)):
        raise ParamsError(
            f"--time-budget {format_seconds(budget)} is too short for these photos on this machine: give at "
            f"least {math.ceil(size.planned(fewest).high / 60)}m, or fewer photos"
        )
    for name, sized in larger:
        other = _Timed.of(name, sized, photos, time)
        if other.steps_within(budget) < min(LEAST_STEPS, other.most):
            break
        size, steps = other, other.steps_within(budget)
    return size.fitted(steps)


def _sizes(tree: Tree) -> Iterator[tuple[str, Tree]]:
    """Name and plain params of each size, the largest first."""
    sized = deepcopy(tree)
    for name, changes in packaged_sizes().items():
        for key, value in changes.items():
            set_key(sized, key, value)
        yield name, deepcopy(sized)


@dataclass(frozen=True)
class _Timed:
    """A size of the recipe: seconds of training for all its epochs, `most` steps, and of the other stages."""

    name: str
    tree: Tree
    photos: int
    most: int
    train: Rate
    others: Rate

    @staticmethod
    def of(name: str, tree: Tree, photos: int, time: Timer) -> "_Timed":
        seconds, schedule = dict(time(tree_params(tree))), tree["train"]["schedule"]
        most = math.ceil(schedule["epochs"] * photos / schedule["images_per_step"])
        train = seconds.pop("train")
        return _Timed(name, tree, photos, most, train, sum(seconds.values(), start=NOTHING))

    def planned(self, steps: int) -> Rate:
        return self.others + self.train * (steps / self.most)

    def steps_within(self, budget: float) -> int:
        return min(self.most, math.floor((budget - self.others.high) / self.train.high * self.most))

    def fitted(self, steps: int) -> Fitted:
        train = self.tree["train"]
        schedule = train["schedule"]
        if steps < self.most:
            epochs = math.floor(100 * schedule["epochs"] * steps / self.most) / 100
            schedule = with_epochs(schedule, epochs, self.photos)
        tree = {**self.tree, "train": {**train, "schedule": schedule}}
        return Fitted(self.name, tree, steps, self.planned(steps))
