"""How far a norm layer moved."""

import numpy as np
import pytest

from ezsd.renorm.norm_change import relative_change

ONES, ZEROS = np.ones(4, np.float32), np.zeros(4, np.float32)


def test_share_of_the_length_before():
    assert relative_change(ONES, ZEROS, ONES * 1.5, ZEROS) == pytest.approx(0.5)
    assert relative_change(ONES, ONES, ONES, ONES * 2) == pytest.approx(np.sqrt(0.5))


def test_what_did_not_move_and_what_was_nothing():
    assert relative_change(ONES, ZEROS, ONES, ZEROS) == 0
    assert relative_change(ZEROS, ZEROS, ZEROS, ZEROS) == 0
    assert relative_change(ZEROS, ZEROS, ONES, ZEROS) == float("inf")
