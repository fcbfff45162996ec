"""Findings in the data that `prepare` checked, each provoked on a tiny data set."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import TinyDataset

from ezsd.cache.manifest import read_manifest
from ezsd.pipeline.data.tables import boxes_from_rows, photos_from_rows
from ezsd.pipeline.findings.data import box_findings
from ezsd.pipeline.findings.finding import Finding, read_findings
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.runner import artifact_folder, run_stage


def findings_of(dataset: TinyDataset, root: Path) -> dict[str, Finding]:
    """What `prepare` finds in the data set as it is now."""
    dataset.save()
    run_stage(STAGES, "prepare", dataset.params("prepare.max_quarantined_fraction=1.0"), root)
    manifest = read_manifest(artifact_folder(root, "prepare"))
    return {finding.kind: finding for finding in read_findings(manifest)}


@pytest.fixture
def many_boxes(tiny_dataset: TinyDataset) -> TinyDataset:
    """Forty more boxes of cats in the photo a.jpg, 48x64, anywhere in it."""
    generator = np.random.default_rng(0)
    for number in range(40):
        x, y = generator.uniform((2, 2), (38, 54)).tolist()
        width, height = generator.uniform((4, 4), (48 - x, 64 - y)).tolist()
        box = {"bbox": [x, y, width, height], "area": 0.6 * width * height}
        other = {"id": 1000 + number, "image_id": 7, "category_id": 17, "iscrowd": 0}
        tiny_dataset.train["annotations"].append(box | other)
    return tiny_dataset


def test_usual_boxes_are_no_finding(many_boxes: TinyDataset, tmp_path: Path) -> None:
    assert findings_of(many_boxes, tmp_path) == {}


def test_boxes_given_as_corners_stop(many_boxes: TinyDataset, tmp_path: Path) -> None:
    for one in many_boxes.train["annotations"]:
        x, y, width, height = one["bbox"]
        one["bbox"] = [x, y, x + width, y + height]
    found = findings_of(many_boxes, tmp_path)
    assert found["boxes-as-corners"].stops and found["boxes-as-corners"].number > 0.7
    assert found["boxes-beyond"].number > 0.5
    assert found["areas-disagree"].number > 0.1


def test_one_large_object_in_the_middle_of_every_photo_is_no_finding() -> None:
    photos = photos_from_rows([(1, "a.jpg", 100, 100)])
    rows = [(number, 1, 0, (5, 10, 80 + number / 10, 90), 5000.0, False) for number in range(40)]
    assert list(box_findings(boxes_from_rows(rows), photos)) == []
    whole = [(number, 1, 0, (0, 0, 100, 100), 10000.0, False) for number in range(40)]
    assert list(box_findings(boxes_from_rows(whole), photos)) == []


def test_areas_that_no_mask_in_the_box_can_have(many_boxes: TinyDataset, tmp_path: Path) -> None:
    for one in many_boxes.train["annotations"][-10:]:
        one["area"] = 1.5 * one["bbox"][2] * one["bbox"][3]
    (finding,) = findings_of(many_boxes, tmp_path).values()
    assert finding.kind == "areas-disagree" and 10 / 45 < finding.number < 10 / 40


def test_base_names_without_boxes(tiny_dataset: TinyDataset, tmp_path: Path) -> None:
    dogs = tiny_dataset.CATEGORY_IDS["dog"]
    kept = [one for one in tiny_dataset.train["annotations"] if one["category_id"] != dogs]
    tiny_dataset.train["annotations"] = kept
    (finding,) = findings_of(tiny_dataset, tmp_path).values()
    assert (finding.kind, finding.number, finding.stops) == ("names-without-boxes", 1, False)
    assert "(dog)" in finding.what


def test_validation_photos_that_are_training_photos(tiny_dataset: TinyDataset, tmp_path: Path) -> None:
    for number, name in enumerate(("v3.jpg", "v4.jpg")):
        shutil.copy(tiny_dataset.photos("val") / "v2.jpg", tiny_dataset.photos("val") / name)
        size = {"width": 64, "height": 48}
        tiny_dataset.val["images"].append({"id": 3 + number, "file_name": name, **size})
    shutil.copy(tiny_dataset.photos("train") / "b.jpg", tiny_dataset.photos("val") / "v1.jpg")
    (finding,) = findings_of(tiny_dataset, tmp_path).values()
    assert (finding.kind, finding.number, finding.stops) == ("shared-photos", 0.25, False)
    assert "v1.jpg" in finding.what


def test_a_training_set_for_validation_stops(tiny_dataset: TinyDataset, tmp_path: Path) -> None:
    shutil.copy(tiny_dataset.photos("train") / "b.jpg", tiny_dataset.photos("val") / "v1.jpg")
    shutil.copy(tiny_dataset.photos("train") / "b.jpg", tiny_dataset.photos("val") / "v2.jpg")
    (finding,) = findings_of(tiny_dataset, tmp_path).values()
    assert (finding.kind, finding.number, finding.stops) == ("same-photos", 1.0, True)


def test_novel_annotations_change_no_finding(many_boxes: TinyDataset, tmp_path: Path) -> None:
    cows = many_boxes.CATEGORY_IDS["cow"]
    for one in many_boxes.train["annotations"] + many_boxes.val["annotations"]:
        if one["category_id"] == cows:
            one |= {"bbox": [1, 1, 500, 500], "area": 1e9}
    assert findings_of(many_boxes, tmp_path) == {}
