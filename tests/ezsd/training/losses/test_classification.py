"""Classification losses against values derived by hand."""

import math

import torch
from torch import tensor
from torch.nn import functional as F
from torch.testing import assert_close

from ezsd.training.losses.classification import SeesawLoss, SoftmaxLoss


def test_softmax_of_even_logits_is_the_logarithm_of_their_number() -> None:
    assert_close(SoftmaxLoss()(torch.zeros(5, 4), tensor([0, 1, 2, 3, 3])), tensor(math.log(4)))


def test_softmax_without_regions_is_zero_and_can_be_differentiated() -> None:
    logits = torch.zeros(0, 4, requires_grad=True)
    loss = SoftmaxLoss()(logits, torch.zeros(0, dtype=torch.int64))
    loss.backward()
    assert loss.item() == 0.0


def test_seesaw_is_softmax_while_names_are_even() -> None:
    logits, labels = torch.zeros(2, 3), tensor([1, 2])
    assert_close(SeesawLoss(names=2)(logits, labels), F.cross_entropy(logits, labels))


def test_seesaw_spares_the_rare_name() -> None:
    """Name 1 was seen 4 times, name 2 once, so name 2's share in name 1's sum is 1/4 ** 0.8.

    With even logits nothing is compensated: log(own 1 + 0.25 ** 0.8), and an object is likely by 2 to 1.
    """
    loss = SeesawLoss(names=2)
    loss.seen[:] = tensor([3.0, 1.0])
    assert_close(loss(torch.zeros(1, 3), tensor([1])), tensor(math.log(3 / 2) + math.log(1 + 0.25**0.8)))


def test_seesaw_does_not_raise_the_frequent_name() -> None:
    loss = SeesawLoss(names=2)
    loss.seen[:] = tensor([4.0, 0.0])
    assert_close(loss(torch.zeros(1, 3), tensor([2])), tensor(math.log(3)))


def test_seesaw_presses_harder_on_what_is_scored_above_the_truth() -> None:
    """Name 2 has e times the own probability, hence factor e ** 2: log(1 + e * e ** 2) among the names."""
    loss = SeesawLoss(names=2)
    logits = tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    both = loss(logits, tensor([1, 2]))
    objectness = math.log((2 + math.e) / (1 + math.e))
    assert_close(both, tensor((objectness + math.log(1 + math.e**3) + math.log(3)) / 2))


def test_seesaw_leaves_background_alone() -> None:
    loss = SeesawLoss(names=2)
    loss.seen[:] = tensor([1000.0, 1.0])
    logits = tensor([[0.0, 2.0, 1.0], [3.0, 0.0, -40.0]])
    assert_close(loss(logits, tensor([0, 1])), F.cross_entropy(logits, tensor([0, 1])))
    assert loss.seen.tolist() == [1001.0, 1.0]


def test_seesaw_counts_what_it_sees() -> None:
    loss = SeesawLoss(names=3)
    loss(torch.zeros(4, 4), tensor([0, 2, 2, 3]))
    assert loss.seen.tolist() == [0, 2, 1]
    assert loss(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64)).item() == 0.0
