"""Which layers stand after convolutions."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from ezsd.detector.detector import build_detector
from ezsd.detector.normalization import group_norm


@pytest.mark.parametrize(("channels", "groups"), [(256, 32), (48, 6), (8, 1), (12, 1)])
def test_groups_have_eight_channels_or_all(channels: int, groups: int) -> None:
    assert group_norm(channels).num_groups == groups


def test_a_group_has_mean_zero_and_deviation_one() -> None:
    normalized = group_norm(16)(5 + 3 * torch.randn(2, 16, 7, 7)).reshape(2, 2, -1)
    torch.testing.assert_close(normalized.mean(dim=2), torch.zeros(2, 2), atol=1e-5, rtol=0)
    torch.testing.assert_close(normalized.std(dim=2), torch.ones(2, 2), atol=1e-2, rtol=0)


def test_the_paper_has_none_and_a_config_puts_one_after_each_convolution(tiny: Any) -> None:
    plain = build_detector(tiny.config(), tiny.dim)
    normalized = build_detector(replace(tiny.config(), normalization="group"), tiny.dim)
    assert not any(isinstance(module, nn.GroupNorm) for module in plain.modules())
    pyramid, head = normalized.backbone.fpn, normalized.roi_heads.box_head
    assert sum(isinstance(module, nn.GroupNorm) for module in pyramid.modules()) == 2 * 3
    assert sum(isinstance(module, nn.GroupNorm) for module in head.modules()) == 3 + 1 + 1
