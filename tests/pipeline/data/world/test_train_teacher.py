import math

import open_clip
import pytest
import torch

from ezsd.pipeline.data.world.train_teacher import contrastive_loss, main, pair_loss, unsure_loss


def test_contrastive_loss_of_two_categories_by_hand():
    features = torch.eye(2)
    loss = contrastive_loss(features, features, torch.tensor(2.0), torch.tensor([0, 1]))
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-2)))


def test_pairs_of_one_category_are_positives():
    images = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    together = contrastive_loss(images, images, torch.tensor(5.0), torch.tensor([0, 0]))
    apart = contrastive_loss(images, torch.eye(2), torch.tensor(5.0), torch.tensor([0, 0]))
    assert together.item() == pytest.approx(math.log(2))
    assert apart > together


def test_pair_loss_of_two_categories_by_hand():
    features = torch.eye(2)
    loss = pair_loss(features, -features, torch.tensor(3.0), torch.tensor([0, 1]))
    assert loss.item() == pytest.approx(math.log(1 + math.exp(3)) + math.log(2))


def test_being_unsure_costs_ln_c_and_being_sure_more():
    names, scale = torch.eye(4), torch.tensor(2.0)
    unsure, sure = torch.full((1, 4), 0.5), torch.eye(4)[:1]
    assert unsure_loss(unsure, names, scale).item() == pytest.approx(math.log(4))
    expected = math.log(math.exp(2) + 3) - 2 / 4
    assert unsure_loss(sure, names, scale).item() == pytest.approx(expected)
    assert unsure_loss(torch.empty(0, 4), names, scale).item() == 0


def test_the_teacher_command_writes_what_open_clip_loads_and_repeats_itself(tmp_path, train_briefly):
    first = train_briefly(main, tmp_path / "a")
    assert set(first) == {"world-teacher.json", "world-teacher.safetensors"}
    assert first == train_briefly(main, tmp_path / "b")
    open_clip.add_model_config(tmp_path / "a" / "world-teacher.json")
    model = open_clip.create_model(
        "world-teacher", pretrained=str(tmp_path / "a" / "world-teacher.safetensors")
    )
    assert model.visual.image_size in (64, (64, 64))
