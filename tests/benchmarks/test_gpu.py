"""The benchmark of a GPU, in small on the CPU."""

from collections.abc import Iterable

import pytest
import torch
import yaml

from benchmarks import gpu
from benchmarks.record import Measurement
from benchmarks.rehearsal.run import rehearsal_params
from benchmarks.rehearsal.shapes import SHAPES
from ezsd.mining.config import MineConfig
from ezsd.pipeline.params import parse_params, preset_text

CPU = torch.device("cpu")
SIZE = gpu.Size(
    teachers=("world-teacher",),
    batch=4,
    photo_hw=(48, 64),
    mining=MineConfig(long_side=64, short_side=48, stride=16, scales=(1.0, 2.0), ratios=(1.0,)),
    rounds=1,
)


def positive(measurements: Iterable[Measurement]) -> set[str]:
    found = {one.metric: one.value for one in measurements if one.unit != "GiB"}
    assert all(value is not None and value > 0 for value in found.values())
    return set(found)


def test_a_teacher_is_timed() -> None:
    units = {"images", "crops", "mined_photos"}
    expected = {f"gpu.{unit}_per_second.world-teacher" for unit in units}
    assert positive(gpu.measure_teacher("world-teacher", SIZE, CPU)) == expected


def test_a_detector_is_timed() -> None:
    params = parse_params(
        preset_text("demo"), ["train.detector.short_side=64", "train.detector.long_side=96"]
    )
    expected = {f"gpu.{unit}_photos_per_second.R50" for unit in ("trained", "detected")}
    assert positive(gpu.measure_detector(params, SIZE, CPU)) == expected


def test_the_plan_of_coco_is_asked_for() -> None:
    shape = SHAPES[0].part(0.0002)
    params = parse_params(yaml.safe_dump(rehearsal_params(shape)))
    found = {one.metric: one.value for one in gpu.measure_plan(params, 0.0002, seconds=1)}
    stages = ("prepare", "renorm", "mine", "embed")
    assert found["gpu.plan.coco_precompute"] == pytest.approx(
        sum(found[f"gpu.plan.coco.{stage}"] for stage in stages)
    )


def test_without_a_gpu_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SystemExit, match="sees no GPU"):
        gpu.main()
