"""Each command of the pages on data runs, on data of the page's format and at a small size."""

import html
import json
import re
import shutil
from pathlib import Path
from typing import Any

import fsspec
import h5py
import numpy as np
import pytest
from conftest import TinyDataset
from pycocotools.coco import COCO
from support.chromium import dom_in_chromium
from support.formats import as_lvis, as_voc
from support.recipes import BLOCK, RECIPES, Recipe, run_cli
from support.small_runs import bytes_below, differing

from ezsd.cache.manifest import read_manifest
from ezsd.pipeline.data.yolo import YoloFolder
from ezsd.pipeline.models.detector import read_detector
from ezsd.pipeline.params import PRESETS
from ezsd.split import builtin_split

COCO_NAMES = {"cat": "person", "dog": "car", "cow": "cat", "sofa": "toaster"}
"""COCO's base and novel names for things of the tiny data set."""


def metrics(root: Path) -> dict[str, Any]:
    return json.loads((root / "artifacts/evaluate/metrics.json").read_text())


def new_root(tmp_path: Path) -> Path:
    root = tmp_path / "run"
    root.mkdir()
    return root


def rename(dataset: TinyDataset, files: str) -> Path:
    """Photos and annotations under the names that COCO and LVIS give them, in the data set's folder."""
    (dataset.folder / "annotations").mkdir()
    for which in ("train", "val"):
        dataset.annotations(which).rename(dataset.folder / "annotations" / files.format(which))
        dataset.photos(which).rename(dataset.folder / f"{which}2017")
    return dataset.folder


def test_coco(tiny_dataset: TinyDataset, tmp_path: Path) -> None:
    unused = [name for name in builtin_split("coco_48_17").names if name not in COCO_NAMES.values()]
    for tree in (tiny_dataset.train, tiny_dataset.val):
        for category in tree["categories"]:
            category["name"] = COCO_NAMES[category["name"]]
        tree["categories"] += [{"id": 200 + place, "name": name} for place, name in enumerate(unused)]
    folder, root = rename(tiny_dataset.save(), "instances_{}2017.json"), new_root(tmp_path)
    Recipe("coco.md", root, {"/path/to/coco": str(folder), "/path/to/ViT-B-32": "ViT-B-32"}).run()
    assert metrics(root)["data"]["split"] == "coco_48_17" and "masks" in metrics(root)
    text = (root / "comparison.md").read_text()
    assert "coco_48_17, names known" in text and "Left out" in text  # published ones have other photos


def test_lvis(tiny_dataset: TinyDataset, tmp_path: Path) -> None:
    as_lvis(tiny_dataset)
    folder, root = rename(tiny_dataset, "lvis_v1_{}.json"), new_root(tmp_path)
    for path in (folder / "annotations").iterdir():
        path.write_text(
            path.read_text().replace("org/train/", "org/train2017/").replace("org/val/", "org/val2017/")
        )
    printed = Recipe("lvis.md", root, {"/path/to/lvis": str(folder)}).run()
    assert "APr" in metrics(root) and "rare" in printed


def test_voc(tiny_dataset: TinyDataset, tmp_path: Path) -> None:
    as_voc(tiny_dataset)
    kit, root = tmp_path / "VOCdevkit", new_root(tmp_path)
    for year, which, name in (("VOC2012", "train", "trainval"), ("VOC2007", "val", "test")):
        for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
            (kit / year / part).mkdir(parents=True)
        (kit / year / "ImageSets/Main/trainval.txt").touch()
        stems = (tiny_dataset.folder / f"ImageSets/Main/{which}.txt").read_text().split()
        (kit / year / f"ImageSets/Main/{name}.txt").write_text("".join(f"{stem}\n" for stem in stems))
        for stem in stems:
            shutil.copy(tiny_dataset.folder / f"Annotations/{stem}.xml", kit / year / "Annotations")
        shutil.copytree(tiny_dataset.photos(which), kit / year / "JPEGImages", dirs_exist_ok=True)
    Recipe("voc.md", root, {"/path/to/VOCdevkit": str(kit), "/path/to/voc": str(tmp_path / "voc")}).run()
    assert metrics(root)["data"]["split"] == "voc_15_5_1" and metrics(root)["data"]["photos"] == 2


def test_own_data_take_three_commands(own_run: Path) -> None:
    assert metrics(own_run)["data"]["split"] == "own" and metrics(own_run)["data"]["photos"] == 1
    assert (own_run / "predictions/predictions.json").is_file()


def test_labels_are_predicted_corrected_and_trained_on(
    own_run: Path, tiny_dataset: TinyDataset, tmp_path: Path
) -> None:
    root, photos = shutil.copytree(own_run, tmp_path / "run"), tiny_dataset.save().photos("train")
    places = {
        "/path/to/photos": str(photos),
        "/path/to/corrected.json": str(tmp_path / "corrected.json"),
        "--threshold 0.2": "--threshold 0",  # an untrained detector is sure of nothing
    }
    run_cli(["predict", str(photos), "--format", "coco", "--threshold", "0", "--out", "first"], root)
    labels = json.loads((root / "first/coco.json").read_text())
    for box in labels["annotations"][::2]:
        box["category_id"] = 3  # every second box is corrected to cow
    (tmp_path / "corrected.json").write_text(json.dumps(labels))
    Recipe("pre-labelling.md", root, places).run()
    coco = COCO(str(root / "labelled/coco.json"))
    assert coco.anns and all(0 <= one["score"] <= 1 for one in coco.anns.values())
    assert_same_boxes(coco, YoloFolder(root / "yolo/data.yaml"))
    facts = read_manifest(root / "artifacts/prepare").facts
    assert facts["novel_boxes_by_name"]["cow"] > 0
    assert read_detector(root / "artifacts/train").split.labelled == ("cat", "dog", "cow")


def assert_same_boxes(coco: COCO, yolo: YoloFolder) -> None:
    names = [one.name for one in yolo.categories()]
    assert names == [one["name"] for one in coco.cats.values()]
    photos, boxes = yolo.photos(), yolo.boxes(names)
    ids = {
        Path(file).name: number for file, number in zip(photos.file_names, photos.ids.tolist(), strict=True)
    }
    for one in coco.imgs.values():
        rows = boxes.image_ids == ids[one["file_name"]]
        expected = coco.loadAnns(coco.getAnnIds(one["id"]))
        assert (1 + boxes.labels[rows]).tolist() == [box["category_id"] for box in expected]
        x, y, width, height = np.array([box["bbox"] for box in expected]).T
        corners = np.stack([x, y, x + width, y + height], axis=1)
        assert np.allclose(boxes.boxes_xyxy[rows], corners, atol=0.05)


def test_an_exported_detector_finds_the_same_without_this_project(
    own_run: Path, tiny_dataset: TinyDataset, tmp_path: Path
) -> None:
    root, photo = shutil.copytree(own_run, tmp_path / "run"), tiny_dataset.save().photos("val") / "v1.jpg"
    places = {"/path/to/photo.jpg": str(photo), "--threshold 0.3": "--threshold 0"}
    printed = Recipe("onnx.md", root, places).run()
    shown = [line.split() for line in printed.splitlines() if line.startswith(("spoon ", "ladle "))]
    run_cli(["predict", str(photo), "--names", "cutlery.npz", "--threshold", "0", "--best", "100"], root)
    ((found),) = json.loads((root / "predictions/predictions.json").read_text())
    assert len(shown) == len(found["detections"]) > 0
    for (name, score, *box, path), one in zip(shown, found["detections"], strict=True):
        assert (
            path == str(photo)
            and name == one["name"]
            and float(score) == pytest.approx(one["score"], abs=0.006)
        )
        assert [float(side) for side in box] == pytest.approx(one["box_xyxy"], abs=1)


def test_a_detector_trained_from_shards_in_a_bucket_is_the_same(own_run: Path, tmp_path: Path) -> None:
    root, stages = shutil.copytree(own_run, tmp_path / "run"), ("mine", "embed", "train")
    for stage in stages:
        shutil.rmtree(root / "artifacts" / stage)
    bucket = "memory://recipe/prefix"
    printed = Recipe("object-storage.md", root, {"s3://bucket/prefix": bucket}).run()
    assert "mine: ok" in printed and "embed: ok" in printed
    here, there = bytes_below(own_run, stages), bytes_below(root, stages)
    for stage in ("mine", "embed"):
        url = json.loads(there.pop(f"artifacts/{stage}/location.json"))["url"]
        assert url.startswith(f"{bucket}/{stage}/")
        for key in (name for name in here if name.startswith(f"artifacts/{stage}/") and ".zarr/" in name):
            there[key] = fsspec.filesystem("memory").cat_file(key.replace(f"artifacts/{stage}", url))
    assert not differing(here, there)
    with h5py.File(root / "precomputed.h5") as file:
        assert set(file) == {"prepare", "renorm", "mine", "embed", "pseudo"}


def test_the_pages_to_look_at_lead_to_each_other(small_run: Path, tmp_path: Path) -> None:
    root = shutil.copytree(small_run, tmp_path / "run")
    printed = Recipe("looking.md", root).run()
    assert "'red mug': the 20 most similar of" in printed and "'red mug': the 40 most similar of" in printed
    report, found = root / "artifacts/report/index.html", root / "found.html"
    for page, kind in ((report, "photo"), (found, "open")):
        link = re.search(rf'<a href="([^"#]*)#([^"]*{kind}=(\d+)[^"]*)"', page.read_text())
        browser = (page.parent / link[1]).resolve()
        shown = dom_in_chromium(browser, html.unescape(link[2]), tmp_path / "profile")
        assert browser == root / "proposals/index.html" and f"photo {link[3]}<" in shown
        assert "on 1 photo<" in shown
        assert bool(re.search(r'<dialog[^>]* open=""', shown)) == (kind == "open")


def test_every_preset_runs_whole_in_a_page() -> None:
    blocks = [
        block
        for page in RECIPES.glob("*.md")
        for language, block in BLOCK.findall(page.read_text())
        if language == "sh" and "dvc repro" in block
    ]
    run = {name for block in blocks for name in re.findall(r"--preset (\S+)", block)}
    assert run | {"demo"} == set(PRESETS)  # the demo is `small_run`, on which other tests stand


def test_every_page_is_run_by_a_test() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("*.py"))
    pages = {page.name for page in RECIPES.glob("*.md")} - {"README.md"}
    assert {page for page in pages if re.search(rf'Recipe\(\s*"{re.escape(page)}"', tests)} == pages
