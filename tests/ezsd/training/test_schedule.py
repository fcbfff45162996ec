"""The learning rate, step by step."""

import pytest

from ezsd.training.config import ScheduleConfig
from ezsd.training.schedule import CosineSchedule, Schedule, schedule_in_epochs


def test_warm_up_then_steps_down() -> None:
    schedule = Schedule(steps=100, learning_rate=1.0, warmup_steps=10, decay_steps=(60, 80))
    rates = {step: schedule.rate(step) for step in (0, 5, 10, 59, 60, 79, 80, 99)}
    expected = {0: 0.001, 5: 0.5005, 10: 1.0, 59: 1.0, 60: 0.1, 79: 0.1, 80: 0.01, 99: 0.01}
    assert rates == pytest.approx(expected)


def test_half_a_cosine_from_the_first_step_to_the_last() -> None:
    schedule = CosineSchedule(steps=100, learning_rate=2.0, warmup_steps=10, decay_steps=())
    rates = {step: schedule.rate(step) for step in (0, 50, 75, 100)}
    assert rates == pytest.approx({0: 0.002, 50: 1.0, 75: 1 - 0.5**0.5, 100: 0.0})


def test_the_config_says_how_the_rate_falls() -> None:
    config = ScheduleConfig(epochs=10, decay="cosine", images_per_step=1, learning_rate=1.0, warmup_steps=0)
    assert schedule_in_epochs(config, photos=4).rate(20) == pytest.approx(0.5)


def test_without_warm_up() -> None:
    assert Schedule(10, 0.5, 0, ()).rate(0) == 0.5


def test_epochs_become_steps() -> None:
    schedule = schedule_in_epochs(
        ScheduleConfig(images_per_step=4, epochs=3, decay_epochs=(1, 2), learning_rate=0.1, warmup_steps=2),
        photos=10,
    )
    assert schedule.steps == 8  # 30 photos, 4 a step
    assert schedule.decay_steps == (3, 5)


def test_a_part_of_an_epoch_becomes_steps() -> None:
    tenth = schedule_in_epochs(
        ScheduleConfig(images_per_step=4, epochs=0.6, decay_epochs=(0.1 + 0.2, 4 / 6)), photos=600
    )
    assert tenth.steps == 90
    assert tenth.decay_steps == (45, 100)  # 45.000000000000007 and 100
