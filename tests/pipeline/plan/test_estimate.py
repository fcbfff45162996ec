"""What `plan` says before anything runs: exact counts, and times scaled from a small run."""

import json
import os
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.small_runs import small_params
from support.teacher_runs import TINY_TEACHER

from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.jobs.mine_cascade import FIT_PHOTOS
from ezsd.pipeline.params import Params, parse_params, preset_text
from ezsd.pipeline.plan.counts import Amounts, Units, count_amounts, mining_cost, units_of_work
from ezsd.pipeline.plan.estimate import Plan, make_plan
from ezsd.pipeline.plan.probe import StageProbe, Work
from ezsd.pipeline.plan.scaling import Probe, Scaling
from ezsd.pipeline.plan.text import disk_warnings, format_bytes, format_time, memory_warnings, plan_text

DEMO = parse_params(preset_text("demo"), ["run.workers=2", "run.device=cpu"])
REPEATED = parse_params(preset_text("demo"), ["renorm.repeat_threshold=1.0", "train.repeat_threshold=0.8"])
SIZE_WH = np.array([[640, 480]], np.int32)


def photos_of(number: int, boxes: float = 0.0) -> Amounts:
    """Photos of 640 x 480, and half as many for validation."""
    return Amounts(number, number // 2, boxes, number, boxes, number, SIZE_WH, np.array([number]))


@pytest.mark.parametrize(
    ("count", "per_shard", "workers", "expected"),
    [(100, 0, 4, 100), (100, 10, 2, 50), (100, 50, 4, 50), (110, 50, 2, 100), (30, 50, 2, 30), (0, 5, 2, 0)],
)
def test_the_busiest_worker_sets_the_pace(count: int, per_shard: int, workers: int, expected: int) -> None:
    assert Units(count, per_shard).busiest(workers) == expected


def test_the_papers_mining_of_a_photo_is_12750_anchors() -> None:
    params = parse_params(preset_text("coco"), ["mine.method=exhaustive"])
    cost = mining_cost(params.mine, photos_of(3))
    assert cost.anchors == 12_750 and cost.tiles == 0
    assert cost.forwards == 12_750 + 600  # up to twice `keep` survivors are looked at again


def test_a_cascade_looks_at_a_fraction_of_the_anchors_tiles_included() -> None:
    params = parse_params(preset_text("coco"), ["mine.method=cascade", "mine.cascade.fraction=0.1"])
    cost = mining_cost(params.mine, photos_of(3))
    assert cost.forwards == 1275 and cost.tiles == 4 * 6  # tiles of 120 px on 480 x 640


def test_boxes_of_rare_names_are_counted_as_often_as_they_are_shown() -> None:
    common, rare = torch.tensor([0, 0]), torch.tensor([0, 1, 1])
    labels = [common, common, common, rare, torch.tensor([], dtype=torch.int64)]
    amounts = count_amounts(labels, np.tile(SIZE_WH, (5, 1)), 7, REPEATED)
    # name 1 is in a quarter of the photos with boxes: its photo is shown sqrt(1 / (1/4)) = 2 times
    assert (amounts.boxes, amounts.boxed_photos, amounts.epoch_boxes) == (9, 4, 12)
    # in training, photos without boxes count too: name 0 is in 4 of 5 photos, name 1 in 1 of 5
    assert amounts.epoch_photos == pytest.approx(4 + (0.8 / 0.2) ** 0.5)
    assert (amounts.train_photos, amounts.val_photos) == (5, 7)


def test_units_follow_from_the_params() -> None:
    units = units_of_work(DEMO, photos_of(600, boxes=2400))
    # 4 epochs; 4 of the check without a fifth of names and photos; 1 + 4 * 4 looks at 2 * 256 held-back boxes
    expected = 4 * 2400 + 4 * 0.8**2 * 2400 + 17 * 512 / 3
    assert units["renorm"].count == pytest.approx(expected)
    assert units["renorm: measure boxes"].count == 2 * 2048
    assert units["mine: fit objectness"].count == FIT_PHOTOS
    assert units["train"].count == 600 * DEMO.train.schedule.epochs / DEMO.train.schedule.images_per_step


def hand_made(params: Params, small: Params, **stages: StageProbe) -> Scaling:
    """A probe of 10 photos, of whose stages only the given ones cost anything."""
    nothing = StageProbe({}, 0.0, {})
    measured = dict.fromkeys(STAGES, nothing) | {
        "mine": StageProbe({"mine": Work(10, 0.5, 2, forwards=1000, sharded=True)}, 4.0, {"p.zarr/c/0": 50}),
        "embed": StageProbe({"embed": Work(10, 0.2, 2, forwards=400, sharded=True)}, 3.0, {"t.h5": 7}),
        **stages,
    }
    return Scaling(params, photos_of(600, boxes=2400), Probe(small, photos_of(10, boxes=40), measured, 0))


def test_time_grows_with_the_photos_of_the_busiest_worker_and_what_is_fixed_does_not() -> None:
    mine = hand_made(DEMO, DEMO).cost("mine", 1.5)
    assert mine.seconds == pytest.approx(1.5 + 4.0 + 0.5 * 300)
    assert mine.bytes == 50 * 60 and mine.images == 600
    assert mine.crops == pytest.approx(600 * 100)


def test_embedding_costs_what_base_boxes_and_proposals_cost() -> None:
    embed = hand_made(DEMO, DEMO).cost("embed", 0.0)
    assert embed.crops == embed.forwards == 600 * 40  # 36 proposals and 4 base boxes a photo, as measured
    assert embed.seconds == pytest.approx(3.0 + 0.2 * 300) and embed.bytes == 7


def test_a_probe_with_fewer_anchors_is_scaled_to_all_of_them() -> None:
    small = replace(DEMO, mine=replace(DEMO.mine, stride=64, keep=3))
    scaling = hand_made(DEMO, small)
    forwards = mining_cost(DEMO.mine, scaling.real).forwards
    tiles = mining_cost(DEMO.mine, scaling.real).tiles
    mine, embed = scaling.cost("mine", 0.0), scaling.cost("embed", 0.0)
    assert mine.seconds == pytest.approx(4.0 + 0.5 * 300 * forwards / (100 + tiles))
    assert mine.bytes == 50 * 60 * 12 / 3
    assert embed.crops == 600 * (12 + 4)
    assert embed.seconds == pytest.approx(3.0 + 0.2 * 300 * 16 / 40)


def test_too_little_disk_is_said_with_what_lies_there_counted(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "artifacts" / "mine").mkdir(parents=True)
    (tmp_path / "artifacts" / "mine" / "a").write_bytes(bytes(600))
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(900))
    assert disk_warnings(tmp_path, {"mine": 1000, "embed": 500}) == ()
    (warning,) = disk_warnings(tmp_path, {"mine": 1000, "embed": 501})
    assert "900 B free, the artifacts need 901 B more" in warning


def test_too_little_memory_gives_a_warning(monkeypatch) -> None:
    monkeypatch.setattr(os, "sysconf", lambda name: 1000)
    (warning,) = memory_warnings(workers=4)
    assert "set run.workers lower" in warning


def test_numbers_for_people() -> None:
    assert [format_bytes(size) for size in (0, 999, 1234567, 36.3e9)] == ["0 B", "999 B", "1.2 MB", "36.3 GB"]
    assert [format_time(seconds) for seconds in (75, 90_000, 8.64e6)] == ["1:15", "25:00:00", "100.0 days"]


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A plan of four photos that are not there, with a teacher whose weights are not there."""
    root = tmp_path_factory.mktemp("planned")
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
        "teacher": {"model": "tiny.json", "weights": "gone.safetensors"},
        "mine": {"stride": 16, "long_side": 96, "short_side": 64, "scales": [2], "ratios": [1.0], "keep": 8},
        "train": {"detector": {"short_side": 64, "long_side": 96}, "examples": {"short_sides": [64]}},
        "run": {"workers": 1, "device": "cpu"},
    }
    made = make_plan(parse_params(small_params(changes)), root)
    assert sorted(path.name for path in root.iterdir()) == ["all.json", "tiny.json"]
    return made


def test_a_plan_counts_every_stage_without_a_photo(planned: Plan) -> None:
    costs = {cost.stage: cost for cost in planned.stages}
    assert list(costs) == list(STAGES)
    assert costs["prepare"].images == 8 and costs["mine"].images == costs["embed"].images == 4
    assert costs["renorm"].images == 3
    # two epochs, a look before and after, two epochs of the check, and 1 + 2 * 4 looks at a few boxes
    assert costs["renorm"].crops == round((2 + 2) * 6 + 2 * 0.64 * 6 + 9 * (0.2 + 0.16) * 6 / 3)
    assert costs["evaluate"].crops == 2 * 6
    assert all(cost.seconds > 0 for cost in planned.stages)
    assert all(cost.bytes > 0 for cost in planned.stages)
    assert planned.total.seconds == pytest.approx(sum(cost.seconds for cost in planned.stages))


def test_a_plan_says_what_stood_in(planned: Plan) -> None:
    notes = " ".join(planned.notes)
    assert "measured with random weights" in notes and "3 photos of the probe are not here" in notes
    assert not planned.warnings


def test_a_plan_is_a_table_and_json(planned: Plan) -> None:
    lines = plan_text(replace(planned, warnings=("too little disk",))).splitlines()
    assert lines[0].split() == ["stage", "images", "crops", "forwards", "disk", "time"]
    assert [line.split()[0] for line in lines[1:9]] == [*STAGES, "total"]
    assert lines[-1] == "warning: too little disk" and "1 worker on the CPU" in plan_text(planned)
    printed = json.loads(json.dumps(planned.as_json()))
    assert printed["total"]["images"] == planned.total.images and len(printed["stages"]) == len(STAGES)
