"""The gates' measures, on values worked out by hand."""

import numpy as np
import pytest

from benchmarks.world.proposals import (
    Found,
    Objects,
    concentration,
    explained_share,
    recalls,
    residuals,
)
from ezsd.pipeline.data.tables import boxes_from_rows

BASE, NOVEL = (0.0, 0.0, 10.0, 10.0), (20.0, 0.0, 40.0, 20.0)


def objects() -> Objects:
    """One photo with an object of the base name 0 and one of the novel name 1."""
    return Objects(boxes_from_rows([(1, 7, 0, BASE, 100.0, False), (2, 7, 1, NOVEL, 400.0, False)]), base=1)


def found(*boxes: tuple[float, ...], confidence: tuple[float, ...]) -> dict[int, Found]:
    return {7: Found(np.array(boxes, np.float32), np.array(confidence, np.float32))}


def test_names_explain_all_of_what_is_equal_within_them_and_nothing_that_is_not() -> None:
    groups = np.array([0, 0, 1, 1])
    assert explained_share(np.array([[1.0], [1.0], [3.0], [3.0]]), groups) == pytest.approx(1)
    noise, names = np.random.default_rng(0).normal(size=(20_000, 4)), np.arange(20_000) % 65
    assert explained_share(noise, names) == pytest.approx(0, abs=0.005)


def test_recall_is_of_base_and_of_novel_objects() -> None:
    boxes = [*[(50.0, 50.0, 60.0, 60.0)] * 10, NOVEL, *[(50.0, 50.0, 60.0, 60.0)] * 10, BASE]
    by_count = recalls(objects(), found(*boxes, confidence=(1.0,) * len(boxes)))
    assert by_count == {10: (0.0, 0.0), 20: (0.0, 1.0), 48: (1.0, 1.0)}


def test_residuals_are_in_units_of_the_proposal() -> None:
    deltas, labels = residuals(objects(), found((21.0, 0.0, 41.0, 16.0), confidence=(1.0,)))
    np.testing.assert_allclose(deltas, [[-1 / 20, 2 / 16, 0, np.log(20 / 16)]], atol=1e-9)
    assert labels.tolist() == [1]


def test_concentration_is_the_share_of_boxes_and_of_weight_on_novel_objects() -> None:
    proposals = found(BASE, NOVEL, confidence=(0.2, 0.6))
    equal, weighted = (concentration(objects(), proposals, is_weighted) for is_weighted in (False, True))
    assert equal.share == weighted.share == equal.weight == 0.5
    assert weighted.weight == pytest.approx(0.75)
    assert equal.best_iou == 1.0 and equal.boxes == 2
