"""Backbones of two libraries behind one pyramid."""

from dataclasses import replace

import pytest
import torch

from ezsd.detector.backbone import PyramidBackbone, find_model, load_body
from ezsd.detector.config import BackboneConfig
from ezsd.errors import InputError

NARROW = {"stem_width": 4, "channels": [8, 8, 16, 16]}


def narrow(frozen_stages: int = 1) -> BackboneConfig:
    return BackboneConfig(name="timm/resnet10t", options=NARROW, taps=TAPS, frozen_stages=frozen_stages)


TAPS = ("layer2", "layer3", "layer4")


@pytest.mark.parametrize(
    "config",
    [
        narrow(),
        BackboneConfig(name="resnet18", taps=TAPS),
        BackboneConfig(name="mobilenet_v3_small", taps=("features.1", "features.3", "features.8")),
    ],
    ids=lambda config: config.name,
)
def test_levels_halve_and_share_their_channels(config: BackboneConfig) -> None:
    backbone = PyramidBackbone(config, out_channels=12)
    levels = backbone(torch.zeros(2, 3, 128, 128))
    assert list(levels) == ["0", "1", "2", "pool"]
    sides = [features.shape[-1] for features in levels.values()]
    assert all(features.shape[:2] == (2, 12) for features in levels.values())
    assert sides[1:] == [side // 2 for side in sides[:-1]]
    assert sides[2] == 128 // backbone.strides[-1]


def test_a_frozen_stage_holds_the_stem_and_all_before_its_tap() -> None:
    body = PyramidBackbone(narrow(1), 8).body
    trained = {name.split(".")[0] for name, p in body.named_parameters() if p.requires_grad}
    assert trained == {"layer3", "layer4"}


@pytest.mark.parametrize(("stages", "all_train"), [(0, True), (3, False)])
def test_nothing_or_everything_can_be_frozen(stages: int, all_train: bool) -> None:
    body = PyramidBackbone(narrow(stages), 8).body
    assert {p.requires_grad for p in body.parameters()} == {all_train}


@pytest.mark.parametrize("batch_norm", ["trained", "frozen"])
def test_batch_norm_keeps_its_pretrained_statistics(batch_norm: str) -> None:
    backbone = PyramidBackbone(replace(narrow(), batch_norm=batch_norm), 8).train()
    before = {name: buffer.clone() for name, buffer in backbone.body.named_buffers()}
    sum(level.sum() for level in backbone(torch.randn(2, 3, 64, 64)).values()).backward()
    assert all(torch.equal(before[name], buffer) for name, buffer in backbone.body.named_buffers())
    moved = {name for name, own in backbone.body.named_parameters() if "bn" in name and own.grad is not None}
    # layer2 is the frozen stage
    assert {name.split(".")[0] for name in moved} == (
        {"layer3", "layer4"} if batch_norm == "trained" else set()
    )


def test_trained_and_frozen_batch_norm_compute_the_same() -> None:
    import timm

    weights = timm.create_model("resnet10t", **NARROW).state_dict()
    for name, value in weights.items():
        if name.endswith("running_mean"):
            value.copy_(torch.randn(value.shape))
    backbones = [PyramidBackbone(replace(narrow(), batch_norm=kind), 8) for kind in ("trained", "frozen")]
    for backbone in backbones:
        load_body(backbone, {name: own for name, own in weights.items() if "num_batches" not in name})
    pixels = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        trained, frozen = (backbone.body(pixels)["layer4"] for backbone in backbones)
    torch.testing.assert_close(trained, frozen, rtol=1e-4, atol=1e-5)


def test_weights_of_a_whole_classifier_fill_the_body() -> None:
    import timm

    model = timm.create_model("resnet10t", **NARROW)
    backbone = PyramidBackbone(narrow(), 8)
    load_body(backbone, model.state_dict())
    pixels = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(
            backbone.body(pixels)["layer4"], model.eval().forward_features(pixels), rtol=1e-4, atol=1e-5
        )


def test_weights_of_another_architecture_are_refused_by_name() -> None:
    backbone = PyramidBackbone(narrow(), 8)
    weights = dict(backbone.body.state_dict())
    name = "layer3.0.conv1.weight"
    with pytest.raises(InputError, match=rf"{name}.*shape \(1, 1\)"):
        load_body(backbone, {**weights, name: torch.zeros(1, 1)})
    del weights[name]
    with pytest.raises(InputError, match=f"lack '{name}'"):
        load_body(backbone, weights)


def test_the_world_backbone_is_described_in_the_package() -> None:
    config = BackboneConfig(name="world", taps=TAPS, frozen_stages=2)
    model, backbone = find_model(config), PyramidBackbone(config, 8)
    assert model.library == "timm"
    assert (backbone.mean, backbone.std) == (model.mean, model.std)
    assert len(model.mean) == len(model.std) == 3
    assert backbone.strides == [8, 16, 32]


@pytest.mark.parametrize(
    ("name", "taps", "reason"),
    [
        ("resnet5000", TAPS, "cannot make a backbone 'resnet5000'"),
        ("timm/resnet5000", TAPS, "cannot make a backbone 'resnet5000'"),
        ("resnet18", ("layer9",), "cannot be tapped at layer9"),
        ("resnet18", ("layer1", "layer4"), "each must halve"),
    ],
)
def test_what_cannot_be_built_is_named(name: str, taps: tuple[str, ...], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        PyramidBackbone(BackboneConfig(name=name, taps=taps, frozen_stages=0), 8)


def test_more_frozen_stages_than_taps_are_refused() -> None:
    with pytest.raises(ValueError, match="frozen_stages is at most 3, the number of taps"):
        narrow(4)


def test_a_backbone_without_taps_is_refused() -> None:
    with pytest.raises(ValueError, match="taps"):
        BackboneConfig(taps=())


@pytest.mark.parametrize(
    "name, options, words",
    [
        ("timm/hf-hub:timm/resnet18", {}, "cannot make a backbone 'hf-hub:timm/resnet18'"),
        ("timm/hf_hub:timm/resnet18", {}, "cannot make a backbone"),
        ("timm/local-dir:/tmp", {}, "cannot make a backbone"),
        ("fasterrcnn_resnet50_fpn", {}, "cannot make a backbone"),  # would fetch its backbone's weights
        ("resnet18", {"weights": "DEFAULT"}, "'weights' .* leads to weights"),
        ("timm/resnet18", {"pretrained": True}, "'pretrained' .* leads to weights"),
        ("timm/resnet18", {"pretrained_cfg": {"url": "http://a/b"}}, "leads to weights"),
        ("timm/resnet18", {"checkpoint_path": "/etc/hostname"}, "leads to weights"),
    ],
)
def test_no_name_or_option_leads_to_the_network_or_a_file(name, options, words, no_network):
    with pytest.raises(InputError, match=words):
        PyramidBackbone(BackboneConfig(name=name, options=options), out_channels=8)
