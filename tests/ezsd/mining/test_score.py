import math

import pytest
import torch

from ezsd.mining.score import certainty, name_probabilities


def test_certainty_is_0_when_all_names_are_likely_and_ln_c_when_one_is_sure():
    rows = torch.tensor([[0.25] * 4, [1.0, 0, 0, 0]])
    assert certainty(rows).tolist() == pytest.approx([0, math.log(4)], abs=1e-6)


def test_certainty_by_hand():
    assert certainty(torch.tensor([[0.5, 0.5, 0, 0]])).item() == pytest.approx(math.log(2))


def test_probabilities_by_hand():
    text = torch.eye(2)
    found = name_probabilities(torch.tensor([[1.0, 0.0]]), text, logit_scale=2.0)
    assert found[0, 0].item() == pytest.approx(1 / (1 + math.exp(-2)))
    assert found.sum().item() == pytest.approx(1)


def test_no_crops():
    probabilities = name_probabilities(torch.empty((0, 3)), torch.eye(3), 1.0)
    assert probabilities.shape == (0, 3) and certainty(probabilities).shape == (0,)
