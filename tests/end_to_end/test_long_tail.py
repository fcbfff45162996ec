"""The page on the long tail at a small size: LVIS's whole path on scenes that the pipeline draws."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from support.lvis_api import by_lvis_api
from support.recipes import FEW_SCENES, Recipe

from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.jobs import train
from ezsd.split import Split
from ezsd.training import repeats


class Run(NamedTuple):
    """A folder in which the whole pipeline ran, how often training showed each photo, and what it printed."""

    root: Path
    shown: list[list[int]]
    printed: str

    @property
    def metrics(self) -> dict[str, Any]:
        return json.loads((self.root / "artifacts/evaluate/metrics.json").read_text())

    @property
    def prepared(self) -> Prepared:
        return Prepared(self.root / "artifacts/prepare")

    def annotations(self, which: str) -> dict[str, Any]:
        path = self.root / f"artifacts/prepare/world/annotations/lvis_v1_{which}.json"
        return json.loads(path.read_text())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All stages, on as many scenes as a frequent name needs, with few steps and tiny networks."""
    root = tmp_path_factory.mktemp("long-tail")
    shown: list[list[int]] = []

    def draw_repeats(*arguments: Any) -> Any:
        drawn = repeats.draw_repeats(*arguments)
        shown.append(drawn.tolist())
        return drawn

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "draw_repeats", draw_repeats)
        printed = Recipe("long-tail.md", root).run()
    return Run(root, shown, printed)


def test_the_result_tells_rare_common_and_frequent_names_apart(run: Run) -> None:
    for scores in (run.metrics, run.metrics["masks"]):
        assert all(isinstance(scores[key], float) for key in ("APr", "APc", "APf"))
    data = run.metrics["data"]
    assert run.metrics["protocol"] == "names known" and data["split"] == "world_long_tail"
    assert data["categories"]["base"] + data["categories"]["novel"] == 260
    assert "rare" in run.printed
    page = (run.root / "artifacts/report/index.html").read_text()
    assert "world_long_tail" in page and "rare" in page


def test_rare_names_are_novel_and_have_no_box_in_training(run: Run) -> None:
    frequency = {one["name"]: one["frequency"] for one in run.annotations("train")["categories"]}
    split: Split = run.prepared.split
    assert {frequency[name] for name in split.base} == {"f", "c"}
    assert {frequency[name] for name in split.novel} == {"r"}
    kept = Counter(split.names[label] for label in run.prepared.train.boxes.labels)
    there = Counter(one["category_id"] for one in run.annotations("train")["annotations"])
    ids = {one["name"]: one["id"] for one in run.annotations("train")["categories"]}
    assert any(there[ids[name]] for name in split.novel)
    assert kept.keys() == set(split.base)
    assert all(kept[name] == there[ids[name]] for name in split.base)


def test_training_shows_photos_of_seldom_names_again(run: Run) -> None:
    index = run.prepared.train
    labels = [set(index.boxes_of(row).labels.tolist()) for row in range(len(index))]
    photos_with = Counter(label for of_photo in labels for label in of_photo)
    least = np.array([min(photos_with[label] for label in of_photo) for of_photo in labels])
    (shown,) = run.shown[:1]
    often = np.array(shown) > 1
    assert often.any()
    assert least[often].max() < FEW_SCENES["train"]["repeat_threshold"] * len(index)


def test_validation_files_have_the_frequencies_of_training(run: Run) -> None:
    train, val = (run.annotations(which) for which in ("train", "val"))
    assert train["categories"] == val["categories"]
    assert all(image["neg_category_ids"] for image in val["images"])


def test_lvis_api_agrees(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = run.root / "artifacts/evaluate"
    detections = json.loads((folder / "detections.json").read_text())
    reference = by_lvis_api(folder / "ground_truth.json", detections, "bbox", 300, monkeypatch)
    for key in ("APr", "APc", "APf"):
        assert run.metrics[key] == pytest.approx(100 * reference[key], abs=1e-3)
