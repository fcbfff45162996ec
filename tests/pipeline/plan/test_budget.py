"""A recipe for own data is sized so that a run ends within a time."""

from collections.abc import Callable, Mapping

import pytest
import yaml

from ezsd.pipeline.errors import ParamsError
from ezsd.pipeline.fit import fit_to_photos
from ezsd.pipeline.params import Params, preset_text, tree_params
from ezsd.pipeline.params.presets import packaged_sizes
from ezsd.pipeline.plan.budget import Fitted, fit_to_budget, fitted_text, parse_budget
from ezsd.pipeline.plan.rates import Rate
from ezsd.training.schedule import schedule_in_epochs

PHOTOS = 100
VOC = fit_to_photos(yaml.safe_load(preset_text("voc")), PHOTOS, 20)
STEP_SECONDS = {800: 100.0, 512: 10.0, 400: 2.0, 256: 1.0}


@pytest.mark.parametrize(
    ("text", "minutes"), [("90m", 90), ("2h", 120), ("1h30m", 90), (" 1.5 H ", 90), ("20min", 20)]
)
def test_a_budget_in_hours_and_minutes(text: str, minutes: int) -> None:
    assert parse_budget(text) == 60 * minutes


@pytest.mark.parametrize("text", ["", "0h", "two hours", "90", "-1h", "1m2h"])
def test_no_budget(text: str) -> None:
    with pytest.raises(ParamsError, match=r"is no time: give hours and minutes, as 90m, 2h or 1h30m"):
        parse_budget(text)


def machine(others: float, slow: float = 1.0) -> Callable[[Params], Mapping[str, Rate]]:
    """Other stages take 1,000 s for each epoch of re-normalization, and `others`; a step, as its size."""

    def time(params: Params) -> Mapping[str, Rate]:
        steps = schedule_in_epochs(params.train.schedule, PHOTOS).steps
        train = steps * STEP_SECONDS[params.train.detector.short_side]
        mine = others + 1000.0 * params.renorm.epochs
        return {"mine": Rate(mine, mine, slow * mine), "train": Rate(train, train, slow * train)}

    return time


def fit(budget: float, slow: float = 1.0) -> Fitted:
    return fit_to_budget(VOC, PHOTOS, budget, machine(500, slow))


def test_the_recipe_stays_where_there_is_time() -> None:
    # 36 epochs of 100 photos are 900 steps of 4; own data get 1,500, which are 60 epochs
    assert VOC["train"]["schedule"]["epochs"] == 60
    assert fit(12_500 + 150_000) == Fitted("large", VOC, 1500, Rate(162_500, 162_500, 162_500))


def test_the_largest_size_with_enough_steps_is_taken() -> None:
    fitted = fit(23_600)
    # medium: 8,500 s and 1,500 steps of 10 s
    assert (fitted.size, fitted.steps, fitted.planned.seconds) == ("medium", 1500, 23_500)
    assert tree_params(fitted.tree).mine.cascade.fraction == 0.06
    assert fit(23_400).size == "small"


def test_the_least_size_trains_for_as_many_steps_as_there_is_time_for() -> None:
    fitted = fit(3000)
    # 2,500 s, and 500 steps of a second: 20 epochs, in which the rate falls at the recipe's fractions
    assert (fitted.size, fitted.steps) == ("least", 500)
    schedule = fitted.tree["train"]["schedule"]
    assert (schedule["epochs"], schedule["decay_epochs"]) == (20.0, [15.0, 18.33])
    assert schedule["warmup_steps"] == 50
    assert fitted.planned == Rate(3000, 3000, 3000)
    words = fitted_text(fitted, 3000)
    assert "size least for 50:00: resnet18 at 256 px, 500 steps of 4 photos" in words
    assert words.endswith("planned 50:00 (50:00 to 50:00)")


def test_the_slow_end_of_the_range_keeps_the_budget() -> None:
    fitted = fit(6000, slow=2.0)
    assert (fitted.size, fitted.steps, fitted.planned) == ("least", 500, Rate(3000, 3000, 6000))


def test_a_budget_that_cannot_be_kept_is_refused_with_the_least_that_can() -> None:
    # 2,500 s and 300 steps of a second are 46 minutes and 40 seconds
    with pytest.raises(ParamsError, match=r"^--time-budget 45:00 is too short .*: give at least 47m"):
        fit(2700)
    assert fit(2800).steps == 300


def test_sizes_are_params_that_load_and_get_smaller() -> None:
    sides = []
    for budget in (162_500, 23_500, 7500, 2800):
        params = tree_params(fit(budget).tree)
        sides.append((params.train.detector.short_side, params.mine.keep))
    assert sides == [(800, 300), (512, 150), (400, 64), (256, 24)] and len(packaged_sizes()) == 4
