"""What reaches the fully connected layers before the first step."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from ezsd.detector.box_head import BoxHead
from ezsd.detector.config import BoxHeadConfig
from ezsd.detector.detector import build_detector
from ezsd.errors import InputError


def test_an_identity_start_lets_features_through_the_head(tiny: Any) -> None:
    config = replace(tiny.config(), pyramid_channels=16, start="identity")
    detector = build_detector(replace(config, box_head=replace(config.box_head, channels=16)), tiny.dim)
    head, pooled = detector.roi_heads.box_head, torch.rand(3, 16, 7, 7)
    assert_close(head.shared(pooled), pooled)
    assert_close(head.classification[0](pooled), pooled)


def test_an_identity_start_keeps_angles_in_the_pyramid(tiny: Any) -> None:
    detector = build_detector(replace(tiny.config(), start="identity"), tiny.dim)
    for lateral, output in zip(
        detector.backbone.fpn.inner_blocks, detector.backbone.fpn.layer_blocks, strict=True
    ):
        weight = lateral[0].weight.flatten(start_dim=1)  # 16 channels from 8 or 16
        assert_close(weight.T @ weight, torch.eye(weight.shape[1]), atol=1e-5, rtol=0)
        features = torch.randn(1, 16, 4, 4)
        assert_close(output(features), features)


def test_a_random_start_is_the_layers_own() -> None:
    config = BoxHeadConfig(channels=16, width=16, roi_side=7)
    torch.manual_seed(0)
    head, pooled = BoxHead(config, 16, 8, "none"), torch.rand(3, 16, 7, 7)
    assert not torch.allclose(head.shared(pooled), pooled, atol=0.1)


def test_a_linear_start_is_the_linear_map() -> None:
    head = BoxHead(BoxHeadConfig(channels=4, width=20, roi_side=2), 4, 8, "none")
    shared, weight, bias = torch.randn(5, 4, 2, 2), torch.randn(8, 16), torch.randn(8)
    head.start_linear(weight, bias)
    expected = head.flat_features(shared) @ weight.T + bias
    assert_close(head.embed(shared), torch.nn.functional.normalize(expected, dim=1))


def test_a_head_that_is_too_narrow_for_a_linear_start_is_refused() -> None:
    head = BoxHead(BoxHeadConfig(channels=4, width=15, roi_side=2), 4, 8, "none")
    with pytest.raises(InputError, match=r"width 16 or more.*has 15"):
        head.start_linear(torch.zeros(8, 16), torch.zeros(8))
