"""Similar proposals are near each other on the map, and the same ones always at the same place."""

import numpy as np
import pytest
from support.browsed_runs import PROPOSALS, label_of, value_of

from ezsd.stages.pages.proposals.map import HEIGHT, WIDTH, fit, map_entry, principal_plane
from ezsd.stages.pages.proposals.neighbours import Pool
from ezsd.stages.pages.proposals.page import BrowserFolder


def test_the_axes_are_those_of_the_widest_spread() -> None:
    corners = np.array([[3, 0, 0, 1], [-3, 0, 0, 1], [0, 0, 2, 1], [0, 0, -2, 1]], np.float16)
    plane, share = principal_plane(corners)
    assert plane == pytest.approx(np.array([[3, 0], [-3, 0], [0, 2], [0, -2]]))
    assert share == pytest.approx(1.0)
    with_third = np.concatenate([corners, [[0, 1, 0, 1], [0, -1, 0, 1]]])
    assert principal_plane(with_third)[1] == pytest.approx(26 / 28)  # variances 18, 8 and 2


def test_the_points_fill_the_map_without_being_stretched() -> None:
    assert fit(np.array([[-1.0, 0], [1, 0], [0, 0.5]])).tolist() == [[40, 490], [960, 490], [500, 260]]
    assert fit(np.array([[0.0, -2], [0, 2]])).tolist() == [[500, 710], [500, 40]]
    assert fit(np.full((3, 2), 7.0)).tolist() == [[WIDTH / 2, HEIGHT / 2]] * 3


@pytest.mark.parametrize("alike", [1, 3])
def test_proposals_without_any_difference_are_in_the_middle(alike: int) -> None:
    pool = Pool(np.ones((alike, 2), np.float16), np.arange(alike), np.zeros(alike, np.int64))
    entry = map_entry(pool)
    assert entry["share"] == 1.0 and set(entry["x"]) == {500} and set(entry["y"]) == {375}


def test_each_proposal_has_a_place_and_names_lie_apart(folder: BrowserFolder) -> None:
    entry = value_of(folder.map)
    assert {len(entry[name]) for name in ("positions", "places", "x", "y")} == {PROPOSALS}
    points = np.array([entry["x"], entry["y"]]).T
    labels = np.array([label_of(*pair) for pair in zip(entry["positions"], entry["places"], strict=True)])
    middles = [points[labels == label].mean(axis=0) for label in (2, 3)]
    spread = max(points[labels == label].std(axis=0).max() for label in (2, 3))
    assert np.linalg.norm(middles[0] - middles[1]) > spread
