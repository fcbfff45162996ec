"""A recipe for large data sets, fitted to few photos and to a time."""

import pytest
import yaml

from ezsd.pipeline.fit import LEAST_STEPS, fit_to_photos
from ezsd.pipeline.params import Params, parse_params, preset_text, tree_params
from ezsd.training.schedule import schedule_in_epochs

VOC = yaml.safe_load(preset_text("voc"))


def fitted(photos: int, longer: bool = True, names: int = 20) -> Params:
    return tree_params(fit_to_photos(VOC, photos, names, longer))


def test_few_photos_are_shown_often_enough_and_the_rate_falls_at_the_same_fractions() -> None:
    schedule = schedule_in_epochs(fitted(30).train.schedule, 30)
    assert schedule.steps == LEAST_STEPS == 200 * 30 / 4
    assert schedule.warmup_steps == LEAST_STEPS // 10
    # the recipe's: after 27 and 33 of 36 epochs
    assert [round(step / schedule.steps, 2) for step in schedule.decay_steps] == [0.75, 0.92]


def test_a_schedule_that_was_asked_for_stays_but_for_its_warmup() -> None:
    schedule = fitted(30, longer=False).train.schedule
    assert (schedule.epochs, schedule.decay_epochs, schedule.warmup_steps) == (36, (27, 33), 27)


def test_many_photos_leave_the_recipe_as_it_is() -> None:
    tree = fit_to_photos(VOC, 30_000, 20)
    assert tree["prepare"].pop("max_quarantined") == 5
    assert VOC["prepare"].pop("max_quarantined") == 0
    assert tree == VOC
    VOC["prepare"]["max_quarantined"] = 0


@pytest.mark.parametrize(
    ("photos", "prepare", "mine"), [(37, 1, 1), (288, 7, 7), (4000, 100, 64), (90_000, 512, 64)]
)
def test_shards_are_so_small_that_progress_moves(photos: int, prepare: int, mine: int) -> None:
    params = fitted(photos)
    assert (params.prepare.photos_per_shard, params.mine.photos_per_shard) == (prepare, mine)


@pytest.mark.parametrize(("photos", "names"), [(99, 20), (100, 4), (1000, 1)])
def test_few_photos_or_names_are_all_for_tuning(photos: int, names: int) -> None:
    assert fitted(photos, names=names).renorm.check is None


def test_many_photos_are_checked() -> None:
    assert fitted(100, names=5).renorm.check == parse_params(preset_text("voc")).renorm.check is not None


def test_what_few_photos_may_show_by_chance_stops_no_run() -> None:
    assert fitted(99).run.allow == ("no-proposals", "one-name")
    assert fitted(100).run.allow == ()
