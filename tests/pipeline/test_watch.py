"""`ezsd-cli watch`: what DVC is told of files outside the project."""

import json
from pathlib import Path

import pytest

from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.outside import outside_keys, require_watched
from ezsd.pipeline.params import Params, parse_params, preset_text
from ezsd.pipeline.watch import note_outside_files


def demo(*overrides: str) -> Params:
    return parse_params(preset_text("demo"), overrides)


def noted(params: Params, root: Path) -> dict[str, dict[str, str]]:
    result: dict[str, dict[str, str]] = json.loads(note_outside_files(params, root).read_text())
    return result


def test_a_changed_annotation_is_noted_for_the_stage_that_reads_it(tiny_dataset, tmp_path):
    before = noted(tiny_dataset.params(), tmp_path)
    cow = next(box for box in tiny_dataset.train["annotations"] if box["category_id"] == 21)
    cow["bbox"][2] += 1
    tiny_dataset.save()
    after = noted(tiny_dataset.params(), tmp_path)
    assert after["prepare"] == before["prepare"]  # a novel box is no business of training
    assert after["evaluate"] != before["evaluate"]


def test_nothing_changed_leaves_the_same_bytes(tiny_dataset, tmp_path):
    first = note_outside_files(tiny_dataset.params(), tmp_path).read_bytes()
    assert note_outside_files(tiny_dataset.params(), tmp_path).read_bytes() == first


def test_the_demo_reads_nothing_from_outside():
    assert outside_keys(demo()) == []


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("teacher.weights=my.safetensors", "teacher"),
        ("teacher.model=my.json", "teacher"),
        ("teacher.factory=my.module:make", "teacher"),
        ("train.backbone_weights=my.safetensors", "train.backbone_weights"),
        ("mine.rpn.backbone_weights=my.safetensors", "mine.rpn.backbone_weights"),
    ],
)
def test_dvc_runs_no_stage_on_files_that_it_does_not_watch(
    override: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_watched(demo(override))  # a person who calls the command line has every file looked at
    monkeypatch.setenv("DVC_STAGE", "train")
    with pytest.raises(PipelineError, match=f"^{key} .*run.watch to \\[files\\]"):
        require_watched(demo(override))
    require_watched(demo(override, "run.watch=[files]"))
    require_watched(demo())


@pytest.mark.parametrize("preset", ["coco", "lvis", "voc"])
def test_the_presets_for_own_files_are_watched(preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_STAGE", "prepare")
    params = parse_params(preset_text(preset))
    assert "data" in outside_keys(params)
    require_watched(params)
