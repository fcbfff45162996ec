"""The bias of a ranking, by hand."""

import numpy as np
import pytest

from benchmarks.mining_real import bias_gap


def test_a_ranking_that_prefers_base_objects_has_a_gap_below_one() -> None:
    covered = {
        ("exhaustive", "novel"): np.array([[2, 4], [2, 4]]),
        ("exhaustive", "base"): np.array([[1, 4], [3, 4]]),
        ("cascade", "novel"): np.array([[1, 4], [1, 4]]),
        ("cascade", "base"): np.array([[4, 4], [4, 4]]),
    }
    # 0.25 / 1 against 0.5 / 0.5
    gap, error = bias_gap(covered)
    assert gap == pytest.approx(0.25)
    # of two photos drawn with replacement, the exhaustive ranking's base recall is 1/4, 1/2 or 3/4
    assert error == pytest.approx(np.std([0.125, 0.25, 0.25, 0.375]), rel=0.1)
