"""The rehearsal at a very small size, and its page from numbers made by hand."""

import re
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.record import read_results
from benchmarks.rehearsal import run, steps
from benchmarks.rehearsal.drawing import SIZES_WH, draw_boxes, draw_polygons
from benchmarks.rehearsal.page import publish
from benchmarks.rehearsal.run import MEASURED, Outcome, Taken, rehearsal_params
from benchmarks.rehearsal.shapes import SHAPES, Shape
from benchmarks.runs import context_of, write_params
from ezsd.cache.atomic import write_json_atomic
from ezsd.cache.manifest import read_manifest
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.params import load_params
from ezsd.pipeline.runner import run_stage

COCO, LVIS = SHAPES


@pytest.mark.parametrize("whole", [COCO, replace(LVIS, names=90)], ids=["coco", "lvis"])
def test_every_step_runs_on_a_few_photos(whole: Shape, tmp_path: Path) -> None:
    shape = whole.part(0.0004)
    write_json_atomic(tmp_path / run.SHAPE, asdict(shape))
    write_params(tmp_path, rehearsal_params(shape))
    steps.draw(tmp_path)
    run_stage(STAGES, "prepare", load_params(tmp_path / "params.yaml"), tmp_path)
    prepared = read_manifest(context_of(tmp_path, "prepare").folder)
    assert prepared.counts["val_photos"] == shape.val_photos
    assert prepared.counts["quarantined_boxes"] == 0
    assert steps.shards(tmp_path) == {"shards": 1}
    assert steps.manifests(tmp_path)["files"] > 8
    assert steps.samplers(tmp_path)["images_of_last_step"] == 4
    assert steps.reading(tmp_path)["images_per_second"] > 0
    steps.detections(tmp_path)
    photos = shape.val_photos
    assert steps.evaluation(tmp_path)["detections"] == pytest.approx(300 * photos, abs=300)


def test_a_rehearsal_that_was_stopped_goes_on_with_the_step_it_was_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def take(step: str, shape: Shape, root: Path) -> Taken:
        asked.append(step)
        (root / "artifacts/prepare").mkdir(parents=True, exist_ok=True)
        if step == "prepare" and len(asked) == 2:
            (root / "artifacts/prepare/half").touch()
            raise KeyboardInterrupt
        return Taken(float(len(asked)), 1.0, 0.5, {"boxes": 3})

    monkeypatch.setattr(run, "_take", take)
    with pytest.raises(KeyboardInterrupt):
        run.rehearse(COCO, tmp_path / "run")
    taken = run.rehearse(COCO, tmp_path / "run")
    assert asked[:4] == ["draw", "prepare", "prepare", "shards"]
    assert not (tmp_path / "run/artifacts/prepare/half").exists()
    assert tuple(taken) == MEASURED and taken["prepare"] == Taken(3.0, 1.0, 0.5, {"boxes": 3})
    assert run.rehearse(COCO, tmp_path / "run") == taken and len(asked) == 10


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.kind)
def test_boxes_are_as_many_as_asked_for_and_lie_in_their_photos(shape: Shape) -> None:
    drawn = draw_boxes(shape, 200, 3000, np.random.default_rng(0))
    assert len(drawn.image) == 3000 and (np.diff(drawn.image) >= 0).all()
    sizes_wh = np.array(SIZES_WH)[drawn.image % 2]
    assert (drawn.box_xywh[:, :2] >= 0).all() and (drawn.box_xywh[:, 2:] >= 2).all()
    assert (drawn.box_xywh[:, :2] + drawn.box_xywh[:, 2:] <= sizes_wh + 0.02).all()
    assert np.bincount(drawn.label)[0] > 3000 / 10  # a power law: the first name has a good share


def test_polygons_fit_photos_that_lie_and_that_stand() -> None:
    corners = np.array(draw_polygons(24))
    assert corners.shape[1] == 48
    assert corners.min() >= 0 and corners.max() <= 48


def test_the_page_compares_the_sizes_of_each_shape(tmp_path: Path) -> None:
    def outcome(shape: Shape, share: float, cpu_seconds: float, peak_gib: float, speed: float) -> Outcome:
        taken = {stage: Taken(2 * cpu_seconds, cpu_seconds, peak_gib, {}) for stage in MEASURED}
        taken["reading"] = Taken(2.0, cpu_seconds, peak_gib, {"images_per_second": speed})
        return Outcome(shape, share, taken)

    outcomes = [
        outcome(COCO, 0.1, 10, 1.0, 900),
        outcome(COCO, 1.0, 105, 3.5, 850),
        outcome(LVIS, 0.1, 10, 1.0, 900),
        outcome(LVIS, 1.0, 120, 25.0, 300),
    ]
    publish(outcomes, tmp_path, tmp_path)
    (result,) = read_results(tmp_path)
    numbers = {one.metric: one for one in result.measurements}
    assert numbers["rehearsal.coco.prepare.seconds"].value == 210
    assert numbers["rehearsal.coco_0.1.prepare.seconds"].value == 20
    assert numbers["rehearsal.coco.prepare.peak_gib"].verdict == "met"
    assert numbers["rehearsal.lvis.prepare.peak_gib"].verdict == "MISSED"
    assert numbers["rehearsal.coco.growth_10x"].value == pytest.approx(10.5)
    assert numbers["rehearsal.coco.growth_10x"].verdict == "met"
    assert numbers["rehearsal.lvis.growth_10x"].verdict == "MISSED"
    assert numbers["rehearsal.coco.reading.flat"].verdict == "met"
    assert numbers["rehearsal.lvis.reading.flat"].verdict == "MISSED"
    text = (tmp_path / "full-size.md").read_text()
    assert "118,287 photos with 860,001 boxes of 80 names" in text
    assert "images per second 900 (1/10), 850 (whole)" in text
    assert "not measured" not in text


def test_the_page_says_what_was_not_measured(tmp_path: Path) -> None:
    publish([Outcome(COCO, 0.1, {"prepare": Taken(9.0, 8.0, 1.5, {})})], tmp_path, tmp_path)
    text = (tmp_path / "full-size.md").read_text()
    assert "The full size is not measured yet" in text
    assert re.search(r"prepare +\| +8 \| +9 \| +1\.50 \|", text)
    assert "–: not measured yet" in text
