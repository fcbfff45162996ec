"""Mining is timed by mining, with crops that cost nothing: what they cost is measured apart."""

from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from ezsd.pipeline.params import Params, parse_params, preset_text
from ezsd.pipeline.plan.counts import Amounts, photo_cost
from ezsd.pipeline.plan.mining_probe import MiningProbe
from ezsd.pipeline.plan.probe import Probe

SMALL = ("mine.long_side=96", "mine.short_side=64", "mine.stride=16", "mine.scales=[2]", "mine.ratios=[1.0]")
SIZE_WH = np.array([[96, 64]], np.int32)
AMOUNTS = Amounts(6, 3, 12, 6, 12, 6, SIZE_WH, np.array([6]), names=48)


def probe_of(params: Params, root: Path) -> MiningProbe:
    shared = Probe(params, root, AMOUNTS)
    return MiningProbe(params.mine, AMOUNTS, shared.teacher, shared.photo)


def refuse(*arguments: object) -> NoReturn:
    raise AssertionError("a crop was encoded")


@pytest.mark.parametrize("method", ["cascade", "exhaustive", "rpn"])
def test_every_method_is_timed_without_its_crops(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = probe_of(parse_params(preset_text("demo"), [*SMALL, f"mine.method={method}"]), tmp_path)
    monkeypatch.setattr(type(probe.teacher), "encode_images", refuse)
    rate = probe.anchor(0.01)
    assert 0 < rate.low <= rate.seconds <= rate.high


def test_the_time_of_a_photo_is_shared_by_its_anchors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = probe_of(parse_params(preset_text("demo"), SMALL), tmp_path)
    ticks = iter(range(0, 1000, 3))  # 3 s between two looks at the clock
    monkeypatch.setattr("ezsd.pipeline.plan.mining_probe.meter_of", lambda device: lambda: next(ticks))
    # 24 anchors: one for each cell of 16 px
    assert photo_cost(probe.params, (64, 96)).anchors == 24
    assert probe.anchor(0.01).seconds == probe.fitted_anchor(0.01).seconds == pytest.approx(3 / 24)
