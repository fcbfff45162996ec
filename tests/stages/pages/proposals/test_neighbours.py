"""Nearest names and neighbours are those of the embeddings."""

import math
from pathlib import Path

import numpy as np
from support.browsed_runs import (
    LOGIT_SCALE,
    PHOTOS,
    PROPOSALS,
    count_of,
    value_of,
)

from ezsd.cache.artifacts import Embedded
from ezsd.stages.pages.proposals.neighbours import Pool, gather_pool, nearest_names
from ezsd.stages.pages.proposals.page import BrowserFolder


def test_names_and_neighbours_are_those_of_the_embedding(folder: BrowserFolder) -> None:
    details = value_of(folder.details(0))[0][0]
    # photo 0 has exactly its name's embedding: the others are at right angles, so each has e^0 against e^5
    names = dict(details["names"])
    sure = math.exp(LOGIT_SCALE) / (math.exp(LOGIT_SCALE) + 3)
    assert details["names"][0] == [2, round(sure, 4)]
    assert names[0] == names[1] == names[3] == round((1 - sure) / 3, 4)
    # the angle to a proposal of the same name in photo p is 0.02 p
    assert details["near"][0][:2] == [1, 1]
    assert sorted(place[:2] for place in details["near"][1:3]) == [[2, 0], [2, 2]]
    assert [cosine for *_, cosine in details["near"]][:3] == [1.0, 0.999, 0.999]


def test_a_proposal_has_no_neighbour_in_its_own_photo() -> None:
    same = np.array([[1, 0], [1, 0], [0, 1]], np.float16)
    pool = Pool(same, positions=np.array([4, 4, 7]), places=np.array([0, 1, 0]))
    assert pool.nearest(np.array([[1, 0]], np.float32), 4, 5) == [[(7, 0, 0.0)]]
    assert pool.nearest(np.array([[1, 0]], np.float32), 7, 1)[0][0][2] == 1.0


def test_the_pool_is_evenly_spaced_and_bounded(root: Path) -> None:
    counts = np.array([count_of(photo) for photo in range(PHOTOS)])
    every = gather_pool(Embedded(root / "embed"), np.arange(PHOTOS), counts)
    assert len(every.places) == PROPOSALS
    some = gather_pool(Embedded(root / "embed"), np.arange(PHOTOS), counts, size=6)
    # every tenth of 60; three photos hold six proposals, so the tenth is in photo 5 (0 to 2: 1, 2, 3 of them)
    assert list(zip(some.positions.tolist(), some.places.tolist(), strict=True)) == [
        (0, 0),
        (5, 1),
        (10, 1),
        (15, 0),
        (20, 1),
        (25, 1),
    ]
    picked = [np.flatnonzero((every.positions == p) & (every.places == r))[0] for p, r in [(5, 1), (25, 1)]]
    assert (some.embeddings[[1, 5]] == every.embeddings[picked]).all()


def test_fewer_names_than_are_shown() -> None:
    nearest = nearest_names(np.array([[0.6, 0.8]], np.float32), np.eye(2, dtype=np.float32), 1.0)
    likely = 1 / (1 + math.exp(-0.2))
    assert nearest == [[(1, round(likely, 4)), (0, round(1 - likely, 4))]]
