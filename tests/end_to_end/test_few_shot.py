"""Few-shot through all stages: the shots are trained on, and every artifact and table says so."""

import json

from ezsd.cache.manifest import read_manifest
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.models.detector import read_detector
from ezsd.pipeline.runner import artifact_folder, run_stage

SMALL = (
    "prepare.novel_shots={per_name: 1, seed: 0}",
    "renorm.epochs=1",
    "mine.scales=[2]",
    "train.schedule.epochs=1",
    "train.schedule.warmup_steps=1",
    "train.schedule.decay_epochs=[1]",
    "report.training_photos=1",
    "report.validation_photos=1",
    "run.device=cpu",
    "run.allow=[no-proposals]",
)


def test_shots_are_trained_on_and_named_everywhere(tiny_dataset, tmp_path):
    params = tiny_dataset.params(*SMALL)
    for stage in STAGES:
        run_stage(STAGES, stage, params, tmp_path)
    folders = {stage: artifact_folder(tmp_path, stage) for stage in STAGES}
    prepared = read_manifest(folders["prepare"])
    assert prepared.counts["novel_boxes"] == 1
    assert prepared.facts["novel_boxes_by_name"] == {"cow": 1}
    label = "few-shot 1, names known"
    for stage in ("mine", "embed", "train", "evaluate", "report"):
        assert read_manifest(folders[stage]).facts["protocol"] == label
    assert read_detector(folders["train"]).split.labelled == ("cat", "dog", "cow")
    assert json.loads((folders["evaluate"] / "metrics.json").read_bytes())["data"]["shots"] == 1
    assert (folders["report"] / "table.md").read_text().startswith(f"own ({label}): ")
    assert "that had at most 1 box in training" in (folders["report"] / "index.html").read_text()
