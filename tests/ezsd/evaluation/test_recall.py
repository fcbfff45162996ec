"""Covered objects, against a brute-force count."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ezsd.evaluation.recall import is_covered

SIDE = st.integers(0, 12)
BOXES = st.lists(st.tuples(SIDE, SIDE, st.integers(1, 8), st.integers(1, 8)), max_size=6).map(
    lambda rows: torch.tensor([[x, y, x + w, y + h] for x, y, w, h in rows], dtype=torch.float32).reshape(
        -1, 4
    )
)


def pixels(box):
    x0, y0, x1, y1 = (int(side) for side in box)
    return {(x, y) for x in range(x0, x1) for y in range(y0, y1)}


@settings(max_examples=60, deadline=None)
@given(BOXES, BOXES)
def test_agrees_with_counting_pixels(objects, proposals):
    wanted = [
        any(2 * len(pixels(o) & pixels(p)) >= len(pixels(o) | pixels(p)) for p in proposals) for o in objects
    ]
    assert is_covered(objects, proposals).tolist() == wanted


def test_half_is_enough():
    whole = torch.tensor([[0.0, 0, 10, 10]])
    assert is_covered(whole, torch.tensor([[0.0, 0, 10, 5]])).tolist() == [True]
    assert is_covered(whole, torch.tensor([[0.0, 0, 10, 4.9]])).tolist() == [False]


def test_no_objects_and_no_proposals():
    none, some = torch.empty(0, 4), torch.tensor([[0.0, 0, 10, 10]])
    assert is_covered(none, some).shape == (0,)
    assert is_covered(some, none).tolist() == [False]
    assert is_covered(none, none).shape == (0,)
