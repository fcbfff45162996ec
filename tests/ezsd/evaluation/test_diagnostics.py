"""Boxes named by the nearest text; covered objects, against a brute-force count."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ezsd.evaluation.diagnostics import BoxNamer, is_covered

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


class ColourEncoder:
    """Embeds a box as the mean colour of its pixels."""

    teacher = SimpleNamespace(logit_scale=2.0)

    def encode(self, photo, boxes_xyxy, context_factor):
        assert context_factor == 1.2
        means = [
            photo[:, y0:y1, x0:x1].float().mean(dim=(1, 2)) for x0, y0, x1, y1 in boxes_xyxy.int().tolist()
        ]
        return torch.nn.functional.normalize(torch.stack(means) if means else torch.empty(0, 3))


def test_boxes_are_named_by_the_nearest_text():
    photo = torch.zeros(3, 8, 16, dtype=torch.uint8)
    photo[2, :, :8], photo[0, :, 8:] = 200, 200  # blue left, red right
    namer = BoxNamer(ColourEncoder(), torch.eye(3), 1.2)
    assert namer.name(photo, torch.tensor([[8.0, 0, 16, 8], [0, 0, 8, 8]])).tolist() == [0, 2]
    assert namer.name(photo, torch.empty(0, 4)).shape == (0,)


def test_probabilities_are_a_softmax_at_the_teachers_temperature():
    photo = torch.zeros(3, 8, 8, dtype=torch.uint8)
    photo[0] = 200
    namer = BoxNamer(ColourEncoder(), torch.eye(3), 1.2)
    # cosines 1, 0, 0 times 2: e^2 / (e^2 + 2) and 1 / (e^2 + 2)
    (likely,) = namer.probabilities(photo, torch.tensor([[0.0, 0, 8, 8]])).tolist()
    assert likely == pytest.approx([0.786986, 0.106507, 0.106507], abs=1e-6)
    assert namer.probabilities(photo, torch.empty(0, 4)).shape == (0, 3)
