"""Recall curves of miners, by hand."""

import numpy as np
import pytest

from benchmarks.mining_recall import NEVER, coverage_ranks, object_ranks, paired_ratio_error, recall_at
from ezsd.pipeline.data.tables import Boxes

OBJECTS = np.array([[0, 0, 10, 10], [20, 20, 40, 40], [50, 50, 60, 60]], float)
PROPOSALS = np.array([[100, 100, 110, 110], [21, 21, 40, 40], [0, 0, 10, 8], [0, 0, 10, 10]], np.float32)


def objects(image_ids: list[int]) -> Boxes:
    count = len(image_ids)
    ids = np.array(image_ids, np.int64)
    return Boxes(ids, ids, np.zeros(count, np.int32), OBJECTS[:count], np.ones(count), np.zeros(count, bool))


def test_the_rank_is_that_of_the_first_proposal_that_covers() -> None:
    assert coverage_ranks(OBJECTS, PROPOSALS).tolist() == [2, 1, NEVER]


def test_without_proposals_nothing_is_covered() -> None:
    assert coverage_ranks(OBJECTS, np.zeros((0, 4), np.float32)).tolist() == [NEVER] * 3
    assert coverage_ranks(np.zeros((0, 4)), PROPOSALS).tolist() == []


def test_objects_are_covered_by_proposals_of_their_own_photo_only() -> None:
    assert object_ranks(objects([1, 2, 2]), {1: PROPOSALS[:1], 2: PROPOSALS}).tolist() == [NEVER, 1, NEVER]


def test_recall_grows_with_the_number_of_proposals() -> None:
    ranks = np.array([2, 1, NEVER, 0])
    assert [recall_at(ranks, count) for count in (0, 1, 2, 3, 200)] == [0, 0.25, 0.5, 0.75, 0.75]
    assert recall_at(np.zeros(0, np.int64), 10) == 0


def test_the_error_of_a_ratio_comes_from_objects_that_only_one_finds() -> None:
    both = np.array([True] * 8 + [False] * 2)
    assert paired_ratio_error(both, both) == 0
    lost, won = both.copy(), both.copy()
    lost[0], won[9] = False, True
    # ratio 7/8: the residual of the lost is -7/8, of the seven others 1/8
    assert paired_ratio_error(lost, both) == pytest.approx(np.sqrt(49 / 64 + 7 / 64) / 8)
    assert paired_ratio_error(won, both) > 0
