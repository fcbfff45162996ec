"""`ezsd-cli watch`: what DVC hears of code and of files outside the project."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from conftest import TinyDataset
from safetensors.numpy import save_file

from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.params import Params, parse_params, preset_text
from ezsd.pipeline.watch import note_inputs


def noted(params: Params, root: Path) -> dict[str, dict[str, Any]]:
    result: dict[str, dict[str, Any]] = json.loads(note_inputs(params, root).read_text())
    return result


def test_a_changed_annotation_is_noted_for_the_stage_that_reads_it(
    tiny_dataset: TinyDataset, tmp_path: Path
) -> None:
    before = noted(tiny_dataset.params(), tmp_path)
    cow = next(box for box in tiny_dataset.train["annotations"] if box["category_id"] == 21)
    cow["bbox"][2] += 1
    tiny_dataset.save()
    after = noted(tiny_dataset.params(), tmp_path)
    assert {name for name in STAGES if after[name] != before[name]} == {"evaluate"}  # never in training


def test_nothing_changed_leaves_the_same_bytes(tiny_dataset: TinyDataset, tmp_path: Path) -> None:
    first = note_inputs(tiny_dataset.params(), tmp_path).read_bytes()
    assert note_inputs(tiny_dataset.params(), tmp_path).read_bytes() == first


def test_weights_in_another_place_with_the_same_content_change_nothing(tmp_path: Path) -> None:
    def with_weights(name: str, value: float) -> dict[str, dict[str, Any]]:
        save_file({"scale": np.full(3, value, np.float32)}, tmp_path / name)
        override = f"train.backbone_weights={name}"
        return noted(parse_params(preset_text("demo"), [override]), tmp_path)

    one = with_weights("one.safetensors", 1)
    assert with_weights("moved.safetensors", 1) == one
    changed = with_weights("moved.safetensors", 2)
    assert {name for name in STAGES if changed[name] != one[name]} == {"train"}


def test_code_and_files_of_every_stage_are_noted(tmp_path: Path) -> None:
    params = parse_params(preset_text("demo"))
    stages = noted(params, tmp_path)
    assert list(stages) == sorted(STAGES)
    assert len({stage["code"] for stage in stages.values()}) == len(STAGES)
    assert stages["prepare"]["external"].keys() == {"split"}
