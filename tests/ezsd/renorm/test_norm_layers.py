import json

import pytest
import torch
from torch import nn

from ezsd.errors import InputError
from ezsd.renorm.norm_layers import find_norm_layers, load_norm_state, norm_parameters, norm_state
from ezsd.teacher.load import load_teacher
from ezsd.teacher.source import TeacherSource


def sizes(teacher, towers):
    layers = find_norm_layers(teacher, towers)
    return len(layers), sum(parameter.numel() for parameter in norm_parameters(layers))


def test_vit_b_32_has_the_papers_parameters():
    teacher = load_teacher(TeacherSource("ViT-B-32"))
    assert sizes(teacher, "image") == (26, 39_936)
    assert sizes(teacher, "text") == (25, 25_600)
    assert sizes(teacher, "both") == (51, 65_536)


def with_vision(tiny_config_text, **vision):
    config = json.loads(tiny_config_text)
    config["vision_cfg"] = {"image_size": 32, **vision}
    return load_teacher(TeacherSource("tiny", config_text=json.dumps(config)))


def test_batch_norms_of_a_clip_resnet_are_found(tiny_config_text):
    teacher = with_vision(tiny_config_text, layers=[1, 1, 1, 1], width=16, patch_size=None, head_width=16)
    layers = find_norm_layers(teacher, "image")
    assert len(layers) == 3 + 4 * 4
    assert all(layer.is_batch_norm and isinstance(layer.module, nn.BatchNorm2d) for layer in layers)


def test_channels_first_layer_norms_of_a_convnext_are_found(tiny_config_text):
    teacher = with_vision(
        tiny_config_text, timm_model_name="test_convnext", timm_pool="avg", timm_proj="linear"
    )
    layers = find_norm_layers(teacher, "image")
    first = next(layer for layer in layers if "stem" in layer.name)
    channels = len(first.gamma)
    assert first.channel_rows(torch.zeros((2, channels, 5, 7))).shape == (70, channels)
    assert not any(layer.is_batch_norm for layer in layers)


def test_state_round_trips_and_touches_nothing_else(tiny_teacher, tiny_config_text):
    state = {name: value + 1 for name, value in norm_state(find_norm_layers(tiny_teacher, "both")).items()}
    frozen = tiny_teacher.image_tower.conv1.weight.clone()
    load_norm_state(tiny_teacher, state)
    again = norm_state(find_norm_layers(tiny_teacher, "both"))
    assert all(torch.equal(again[name], state[name]) for name in state)
    assert torch.equal(tiny_teacher.image_tower.conv1.weight, frozen)


def test_batch_norms_state_holds_running_statistics(tiny_config_text):
    teacher = with_vision(tiny_config_text, layers=[1, 1, 1, 1], width=16, patch_size=None, head_width=16)
    assert "image.bn1.running_mean" in norm_state(find_norm_layers(teacher, "image"))


def test_another_teachers_state_is_refused(tiny_teacher):
    with pytest.raises(InputError, match="run renorm again"):
        load_norm_state(tiny_teacher, {"image.ln_pre.weight": torch.ones(7)})
    with pytest.raises(InputError, match=r"image\.nowhere\.weight"):
        load_norm_state(tiny_teacher, {"image.nowhere.weight": torch.ones(32)})


def test_a_tower_without_norm_layers_is_refused(tiny_teacher):
    tiny_teacher.image_tower = nn.Linear(3, 3)
    with pytest.raises(InputError, match="no norm layer in its image tower"):
        find_norm_layers(tiny_teacher, "image")
