import logging

import pytest
import torch
from torch.nn.functional import normalize

from ezsd.renorm.norm_layers import find_norm_layers, norm_parameters
from ezsd.teacher import name_embeddings as prompting
from ezsd.teacher.name_embeddings import cut_names, embed_names, template_set, warn_of_cut_names
from ezsd.teacher.prompts import Prompts

NAMES = ("dog", "orange_fish", "tvmonitor")
SEVERAL = Prompts(["a photo of {article} {}", "the {}.", "{}"], {"tvmonitor": ["television", "screen"]})


def test_one_text_a_name_gives_what_the_teacher_says(tiny_teacher):
    texts = ["a photo of a dog", "a photo of a orange fish", "a photo of a tv monitor"]
    assert torch.equal(embed_names(tiny_teacher, NAMES, Prompts()), tiny_teacher.encode_texts(texts))


def test_several_texts_are_averaged_and_normalised(tiny_teacher):
    found = embed_names(tiny_teacher, NAMES, SEVERAL)
    texts = ["a photo of an orange fish", "the orange fish.", "orange fish"]
    torch.testing.assert_close(found[1], normalize(tiny_teacher.encode_texts(texts).sum(dim=0), dim=0))
    monitor = ["a photo of a television", "the television.", "television"]
    monitor += [text.replace("television", "screen") for text in monitor]
    torch.testing.assert_close(found[2], normalize(tiny_teacher.encode_texts(monitor).sum(dim=0), dim=0))
    assert found.shape == (3, tiny_teacher.dim)


def test_no_name_has_no_embedding(tiny_teacher):
    assert embed_names(tiny_teacher, (), SEVERAL).shape == (0, tiny_teacher.dim)


def test_gradients_reach_the_text_tower_through_the_mean(tiny_teacher, monkeypatch):
    parameters = norm_parameters(find_norm_layers(tiny_teacher, "text"))
    for parameter in parameters:
        parameter.requires_grad_(True)

    def gradients():
        target = torch.arange(tiny_teacher.dim).float()
        loss = (embed_names(tiny_teacher, NAMES, SEVERAL) @ target).sum()
        return torch.autograd.grad(loss, parameters)

    whole = gradients()
    monkeypatch.setattr(prompting, "TEXTS_AT_ONCE", 5)
    for expected, found in zip(whole, gradients(), strict=True):
        torch.testing.assert_close(found, expected)
    assert all(gradient.abs().sum() > 0 for gradient in whole)


def test_many_texts_are_embedded_without_gradients_too(tiny_teacher, monkeypatch):
    expected = embed_names(tiny_teacher, NAMES, SEVERAL)
    monkeypatch.setattr(prompting, "TEXTS_AT_ONCE", 2)
    with torch.inference_mode():
        torch.testing.assert_close(embed_names(tiny_teacher, NAMES, SEVERAL), expected)


@pytest.mark.parametrize(("name", "count"), [("paper", 1), ("openai_7", 7), ("openai_80", 80)])
def test_the_known_sets_can_be_filled(name, count):
    templates = template_set(name)
    assert len(set(templates)) == count
    assert len(Prompts(templates).texts("cat")) == count


def test_known_templates_are_those_of_the_publications():
    assert template_set("paper") == ("a photo of a {}",)
    assert template_set("openai_7")[1] == "a bad photo of the {}."
    assert template_set("openai_80")[0] == "a bad photo of a {}."


def test_names_that_the_tokenizer_cuts_are_told(tiny_teacher, caplog):
    # the tower takes 16 tokens, of which two are marks and four are "a photo of a"
    fits, long = "very " * 9 + "good", "very " * 10 + "good"
    with caplog.at_level(logging.WARNING):
        assert cut_names(tiny_teacher, ["dog", fits, long], Prompts()) == [long]
        assert warn_of_cut_names(tiny_teacher, ["dog", fits], Prompts()) == []
        assert not caplog.records
        assert warn_of_cut_names(tiny_teacher, ["dog", long], Prompts()) == [long]
    assert "text_names" in caplog.text
    assert cut_names(tiny_teacher, [fits], Prompts(["a photo of one {}", "a photo of the very {}"])) == [fits]
