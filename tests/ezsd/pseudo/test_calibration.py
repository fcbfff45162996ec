import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezsd.pseudo.calibration import fit_calibration, log_odds


def test_log_odds_of_known_probabilities() -> None:
    found = log_odds(np.array([0.5, 0.75, 0.0, 1.0], np.float32))
    assert found[0] == 0 and found[1] == pytest.approx(np.log(3))
    assert np.isfinite(found).all() and found[2] == pytest.approx(-found[3])


def test_two_values_get_their_own_shares_of_right_boxes() -> None:
    # of 200 boxes at 0 a quarter is right, of 200 at 1 three quarters
    values = np.repeat([0.0, 1.0], 200)
    right = np.concatenate([np.arange(200) < 50, np.arange(200) < 150])
    calibration = fit_calibration(values, right)
    assert calibration.probability(np.array([0.0, 1.0])) == pytest.approx([0.25, 0.75], abs=0.01)
    assert (calibration.boxes, calibration.right) == (400, 200)


def test_higher_values_that_are_less_often_right_give_a_constant() -> None:
    calibration = fit_calibration(np.array([0.0, 0.0, 1.0, 1.0]), np.array([True, True, False, False]))
    assert calibration.slope == 0
    assert calibration.probability(np.array([0.0, 1.0])) == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("boxes", [0, 3])
def test_without_a_right_box_nothing_is_likely(boxes: int) -> None:
    calibration = fit_calibration(np.arange(boxes, dtype=float), np.zeros(boxes, bool))
    assert calibration.probability(np.array([0.0, 9.0])).tolist() == [0, 0]


@given(st.lists(st.tuples(st.floats(-14, 14), st.booleans()), min_size=1, max_size=30))
def test_probability_rises_with_the_value(pairs: list[tuple[float, bool]]) -> None:
    values, right = (np.array(column) for column in zip(*pairs, strict=True))
    found = fit_calibration(values, right).probability(np.linspace(-20, 20, 41))
    assert (np.diff(found) >= 0).all() and ((found >= 0) & (found <= 1)).all()
