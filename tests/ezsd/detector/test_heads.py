"""Embeddings, names as an argument, and the regressor that reads them."""

import math

import pytest
import torch
from torch import tensor
from torch.testing import assert_close

from ezsd.detector.box_head import BoxHead
from ezsd.detector.classifier import ObjectnessClassifier, TextClassifier
from ezsd.detector.config import BoxHeadConfig
from ezsd.detector.regressor import ModulatedRegressor, PlainRegressor, SemanticRegressor
from ezsd.errors import InputError


@pytest.mark.parametrize("regions", [0, 5])
def test_embeddings_have_length_one(regions: int) -> None:
    config = BoxHeadConfig(channels=4, width=16, roi_side=7)
    head = BoxHead(config, in_channels=6, embedding_dim=9, normalization="none")
    shared = head.shared(torch.randn(regions, 6, 7, 7))
    assert_close(head.embed(shared).norm(dim=1), torch.ones(regions))
    assert head.regression(shared).shape == (regions, 16)


def test_logits_are_cosines_times_the_temperature() -> None:
    classifier = TextClassifier(embedding_dim=2, temperature=10.0)
    classifier.background.data = tensor([0.0, 3.0])  # its length counts
    classifier.set_vocabulary(tensor([[5.0, 0.0], [3.0, 4.0]]))  # theirs do not
    assert_close(classifier(tensor([[1.0, 0.0], [0.0, 1.0]])), tensor([[0.0, 10.0, 6.0], [30.0, 0.0, 8.0]]))


def test_the_temperature_can_start_at_the_teachers() -> None:
    classifier = TextClassifier(embedding_dim=2)
    classifier.set_vocabulary(tensor([[1.0, 0.0]]))
    classifier.set_temperature(30.0)
    assert_close(classifier(tensor([[1.0, 0.0]]))[0, 1], tensor(30.0))


def test_a_new_vocabulary_leaves_the_weights_alone() -> None:
    classifier = TextClassifier(embedding_dim=4, temperature=1.0)
    classifier.set_vocabulary(torch.randn(3, 4))
    before = {name: value.clone() for name, value in classifier.state_dict().items()}
    classifier.set_vocabulary(torch.randn(7, 4))
    assert classifier(torch.randn(2, 4)).shape == (2, 8)
    assert set(before) == {"log_temperature", "background"}
    assert all(torch.equal(before[name], value) for name, value in classifier.state_dict().items())


@pytest.mark.parametrize("shape", [(0, 4), (3, 5), (4,)])
def test_a_vocabulary_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"shape \(C >= 1, 4\)"):
        TextClassifier(4, 1.0).set_vocabulary(torch.zeros(shape))


def test_background_means_zeros() -> None:
    classifier = TextClassifier(embedding_dim=2, temperature=1.0)
    classifier.set_vocabulary(tensor([[1.0, 0.0], [0.0, 1.0]]))
    assert classifier.text_of(tensor([2, 0, 1])).tolist() == [[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]
    assert classifier.text_of(torch.zeros(0, dtype=torch.int64)).shape == (0, 2)


def test_only_the_plain_regressor_does_not_read_the_text() -> None:
    features, text, other = torch.randn(3, 6), torch.randn(3, 4), torch.randn(3, 4)
    plain = PlainRegressor(6, 4)
    assert torch.equal(plain(features, text), plain(features, other))
    for reads in (SemanticRegressor(6, 4), ModulatedRegressor(6, 4)):
        torch.nn.init.normal_(reads.deltas.weight)
        if isinstance(reads, ModulatedRegressor):
            torch.nn.init.normal_(reads.modulation.weight)
        assert not torch.equal(reads(features, text), reads(features, other))
        assert reads(features[:0], text[:0]).shape == (0, 4)


def test_a_modulated_regressor_starts_as_a_plain_one() -> None:
    modulated, features = ModulatedRegressor(6, 4), torch.randn(3, 6)
    assert torch.equal(modulated(features, torch.randn(3, 4)), modulated.deltas(features))


@pytest.mark.parametrize(
    ("regressor", "error"), [(PlainRegressor, 1.0), (SemanticRegressor, 1.0), (ModulatedRegressor, 0.0)]
)
def test_part_and_whole_in_the_same_pixels(regressor: type[torch.nn.Module], error: float) -> None:
    """A boat and its sail: the same feature says where both end, and the name which of them is meant.

    The deltas are the feature for one name and its negative for the other: a name that can only add the same
    to every region leaves the mean squared error at 1, that of the mean of both.
    """
    torch.manual_seed(0)
    sizes = torch.linspace(-1.7, 1.7, 50)
    sizes = sizes / sizes.square().mean().sqrt()
    features, names = sizes.repeat(2)[:, None], torch.eye(2).repeat_interleave(50, dim=0)
    deltas = torch.cat([sizes, -sizes])[:, None].expand(100, 4)
    model = regressor(1, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    for _ in range(300):
        loss = (model(features, names) - deltas).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() == pytest.approx(error, abs=0.02)


def test_separate_objectness_multiplies_the_names_by_hand():
    classifier = ObjectnessClassifier(embedding_dim=2, temperature=10.0)
    classifier.set_vocabulary(torch.eye(2))
    with torch.no_grad():
        classifier.objectness.weight.copy_(torch.tensor([[0.0, 0.0], [1.0, 0.0]]))
        classifier.objectness.bias.zero_()
    probabilities = classifier(torch.tensor([[1.0, 0.0]])).softmax(dim=1)[0]
    an_object = 1 / (1 + math.exp(-1))  # no temperature
    first = 1 / (1 + math.exp(-10))
    expected = [1 - an_object, an_object * first, an_object * (1 - first)]
    assert probabilities.tolist() == pytest.approx(expected, abs=1e-6)
    assert set(dict(classifier.named_parameters())) == {
        "log_temperature",
        "objectness.weight",
        "objectness.bias",
    }
