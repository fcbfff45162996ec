"""Means over base, novel and all."""

import numpy as np

from ezsd.evaluation.groups import as_percent, percent_by_group
from ezsd.split import Split

SPLIT = Split("toy", ("cat", "dog"), ("yak",))


def test_teacher_accuracy_counts_boxes_not_classes():
    predicted, labels = np.array([0, 0, 2, 2, 1]), np.array([0, 0, 0, 2, 2])
    assert percent_by_group(predicted == labels, labels, SPLIT) == {
        "base": 66.6667,
        "novel": 50.0,
        "all": 60.0,
    }


def test_values_that_do_not_exist_do_not_count():
    values = [0.25, np.nan, np.nan]
    assert percent_by_group(values, [0, 1, 2], SPLIT) == {"base": 25.0, "novel": None, "all": 25.0}


def test_nothing_at_all():
    assert percent_by_group([], [], SPLIT) == {"base": None, "novel": None, "all": None}


def test_rounding_stays_within_a_millionth_of_the_share():
    for share in np.random.default_rng(0).random(1000):
        assert abs(as_percent(share) / 100 - share) < 1e-6
