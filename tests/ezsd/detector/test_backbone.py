"""Backbones of two libraries behind one pyramid."""

import pytest
import torch

from ezsd.detector.backbone import PyramidBackbone, load_body, world_backbone
from ezsd.detector.config import BackboneConfig
from ezsd.errors import InputError

NARROW = {"stem_width": 4, "channels": [8, 8, 16, 16]}
TAPS = ("layer2", "layer3", "layer4")


@pytest.mark.parametrize(
    "config",
    [
        BackboneConfig("timm", "resnet10t", NARROW, TAPS),
        BackboneConfig("torchvision", "resnet18", {}, TAPS),
        BackboneConfig("torchvision", "mobilenet_v3_small", {}, ("features.1", "features.3", "features.8")),
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
    assert sides[2] == 128 // backbone.stride


def test_a_frozen_stage_holds_the_stem_and_all_before_its_tap() -> None:
    body = PyramidBackbone(BackboneConfig("timm", "resnet10t", NARROW, TAPS, frozen_stages=1), 8).body
    trained = {name.split(".")[0] for name, p in body.named_parameters() if p.requires_grad}
    assert trained == {"layer3", "layer4"}


@pytest.mark.parametrize(("stages", "all_train"), [(0, True), (3, False)])
def test_nothing_or_everything_can_be_frozen(stages: int, all_train: bool) -> None:
    body = PyramidBackbone(BackboneConfig("timm", "resnet10t", NARROW, TAPS, stages), 8).body
    assert {p.requires_grad for p in body.parameters()} == {all_train}


def test_batch_norm_keeps_its_pretrained_statistics() -> None:
    backbone = PyramidBackbone(BackboneConfig("timm", "resnet10t", NARROW, TAPS), 8).train()
    before = {name: buffer.clone() for name, buffer in backbone.body.named_buffers()}
    backbone(torch.randn(2, 3, 64, 64))
    assert all(torch.equal(before[name], buffer) for name, buffer in backbone.body.named_buffers())
    assert not any("bn" in name for name, _ in backbone.body.named_parameters())


def test_weights_of_a_whole_classifier_fill_the_body() -> None:
    import timm

    model = timm.create_model("resnet10t", **NARROW)
    backbone = PyramidBackbone(BackboneConfig("timm", "resnet10t", NARROW, TAPS), 8)
    load_body(backbone, model.state_dict())
    pixels = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(
            backbone.body(pixels)["layer4"], model.eval().forward_features(pixels), rtol=1e-4, atol=1e-5
        )


def test_weights_of_another_architecture_are_refused_by_name() -> None:
    backbone = PyramidBackbone(BackboneConfig("timm", "resnet10t", NARROW, TAPS), 8)
    weights = dict(backbone.body.state_dict())
    name = "layer3.0.conv1.weight"
    with pytest.raises(InputError, match=rf"{name}.*shape \(1, 1\)"):
        load_body(backbone, {**weights, name: torch.zeros(1, 1)})
    del weights[name]
    with pytest.raises(InputError, match=f"lack '{name}'"):
        load_body(backbone, weights)


def test_the_world_backbone_is_described_in_the_package() -> None:
    config = world_backbone(TAPS, frozen_stages=2)
    assert config.library == "timm"
    assert len(config.mean) == len(config.std) == 3
    assert PyramidBackbone(config, 8).stride == 32


@pytest.mark.parametrize(
    ("library", "name", "taps", "reason"),
    [
        ("torchvision", "resnet5000", TAPS, "cannot make a backbone 'resnet5000'"),
        ("timm", "resnet5000", TAPS, "cannot make a backbone 'resnet5000'"),
        ("torchvision", "resnet18", ("layer9",), "cannot be tapped at layer9"),
        ("torchvision", "resnet18", ("layer1", "layer4"), "each must halve"),
    ],
)
def test_what_cannot_be_built_is_named(library: str, name: str, taps: tuple[str, ...], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        PyramidBackbone(BackboneConfig(library, name, {}, taps), 8)  # type: ignore[arg-type]


def test_more_frozen_stages_than_taps_are_refused() -> None:
    with pytest.raises(InputError, match="has 3 stages: 4 cannot be frozen"):
        BackboneConfig("timm", "resnet10t", NARROW, TAPS, frozen_stages=4)
    with pytest.raises(InputError, match="tapped nowhere"):
        BackboneConfig("timm", "resnet10t", NARROW, ())
