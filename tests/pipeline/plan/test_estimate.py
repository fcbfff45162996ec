"""What `plan` says before anything runs: exact counts, and times with a range."""

import json
import os
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.small_runs import small_params
from support.teacher_runs import TINY_TEACHER

from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.params import parse_params
from ezsd.pipeline.plan.estimate import Estimate, Plan, Timing
from ezsd.pipeline.plan.rates import Rate
from ezsd.pipeline.plan.text import (
    counts_text,
    disk_warnings,
    format_bytes,
    format_time,
    memory_warnings,
    times_text,
)

Planned = tuple[Plan, Timing]


def test_too_little_disk_is_said_with_what_lies_there_counted(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "artifacts" / "mine").mkdir(parents=True)
    (tmp_path / "artifacts" / "mine" / "a").write_bytes(bytes(600))
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(900))
    assert disk_warnings(tmp_path, {"mine": 1000, "embed": 500}) == ()
    (warning,) = disk_warnings(tmp_path, {"mine": 1000, "embed": 501})
    assert "900 B free, the artifacts need 901 B more" in warning


def test_too_little_memory_gives_a_warning(monkeypatch) -> None:
    monkeypatch.setattr(os, "sysconf", lambda name: 66_000)  # pages, and bytes in a page: 4.4 GB
    assert memory_warnings(2, teacher_bytes=10**9) == ()
    (warning,) = memory_warnings(3, teacher_bytes=10**9)
    assert warning.startswith("3 workers need 6.0 GB") and "set run.workers lower" in warning


def test_numbers_for_people() -> None:
    assert [format_bytes(size) for size in (0, 999, 1234567, 36.3e9)] == ["0 B", "999 B", "1.2 MB", "36.3 GB"]
    assert [format_time(seconds) for seconds in (75, 90_000, 8.64e6)] == ["1:15", "25:00:00", "100.0 days"]


def write_data(root: Path) -> str:
    """Params of four photos that are not there, with a teacher and a backbone whose weights are not there."""
    (root / "tiny.json").write_text(json.dumps(TINY_TEACHER))
    images = [{"id": n, "file_name": f"{n}.jpg", "width": 80, "height": 60 + n} for n in range(4)]
    boxes = [
        {
            "id": n,
            "image_id": n % 3,
            "category_id": 1 + n % 2,
            "bbox": [5, 5, 30, 20],
            "area": 600,
            "iscrowd": 0,
        }
        for n in range(6)
    ]
    names = [{"id": n + 1, "name": name} for n, name in enumerate(("cat", "dog", "cow"))]
    (root / "all.json").write_text(json.dumps({"images": images, "annotations": boxes, "categories": names}))
    data = {"format": "coco", "split": {"base": ["cat", "dog"], "novel": ["cow"]}, "world": None}
    data |= {f"{which}_photos": "none" for which in ("train", "val")}
    data |= {f"{which}_annotations": "all.json" for which in ("train", "val")}
    changes: dict[str, dict[str, Any]] = {
        "data": data,
        "teacher": {"model": "tiny.json", "weights": "tag:gone"},
        "mine": {"stride": 16, "long_side": 96, "short_side": 64, "scales": [2], "ratios": [1.0], "keep": 8},
        "train": {
            "detector": {"short_side": 64, "long_side": 96},
            "examples": {"short_sides": [64]},
            "backbone_weights": "gone.safetensors",
        },
        "run": {"workers": 2, "device": "cpu"},
    }
    return small_params(changes)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    """Counts and times."""
    root = tmp_path_factory.mktemp("planned")
    params = parse_params(write_data(root), ["mine.method=rpn"])
    estimate = Estimate(params, root)
    plan = estimate.plan(params)
    timing = estimate.time(plan, params, 2.0)
    assert sorted(path.name for path in root.iterdir()) == ["all.json", "tiny.json"]
    return plan, timing


def test_a_plan_counts_every_stage_without_a_photo(planned: Planned) -> None:
    works = {work.stage: work for work in planned[0].stages}
    assert list(works) == list(STAGES)
    assert works["prepare"].images == 8 and works["mine"].images == works["embed"].images == 4
    assert works["renorm"].images == 3
    # two epochs, a look before and after, two epochs of the check, and 1 + 2 * 4 looks at a few boxes
    assert works["renorm"].crops == round((2 + 2) * 6 + 2 * 0.64 * 6 + 9 * (0.2 + 0.16) * 6 / 3)
    assert works["evaluate"].crops == 2 * 6
    assert works["train"].bytes > 10_000
    assert not planned[0].warnings


def test_every_time_has_a_range(planned: Planned) -> None:
    timing = planned[1]
    assert list(timing.stages) == list(STAGES)
    assert all(0 < rate.low <= rate.seconds <= rate.high for rate in timing.stages.values())
    assert timing.total.seconds == pytest.approx(sum(rate.seconds for rate in timing.stages.values()))


def test_a_plan_is_two_tables_the_first_without_times(planned: Planned) -> None:
    plan, timing = planned
    lines = counts_text(replace(plan, warnings=("too little disk",))).splitlines()
    assert lines[0].split() == ["stage", "images", "crops", "forwards", "disk"]
    assert [line.split()[0] for line in lines[1:10]] == [*STAGES, "total"]
    assert lines[-1] == "warning: too little disk"
    shown = replace(timing, stages={"mine": Rate(75, 60, 4000), "train": Rate(25, 20, 30)}, notes=("busy",))
    lines = times_text(plan, shown).splitlines()
    assert [line.split() for line in lines[:4]] == [
        ["stage", "time", "from", "to"],
        ["mine", "1:15", "1:00", "1:06:40"],
        ["train", "0:25", "0:20", "0:30"],
        ["total", "1:40", "1:20", "1:07:10"],
    ]
    assert "with 2 workers on the CPU" in lines[5] and lines[-1] == "busy"


def test_a_plan_for_programs_has_no_seconds_before_the_probe(planned: Planned) -> None:
    plan, timing = planned
    printed = json.loads(json.dumps(plan.as_json(timing)))
    assert printed["total"]["images"] == sum(stage["images"] for stage in printed["stages"])
    assert printed["total"]["seconds"] == pytest.approx(timing.total.seconds)
    assert {stage["seconds"] for stage in plan.as_json(None)["stages"]} == {None}
