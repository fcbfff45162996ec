"""Runs of the whole pipeline at a very small size."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import TinyDataset
from support.formats import as_xml, as_yolo
from support.recipes import Recipe
from support.small_runs import run_all, small_params


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the whole small pipeline has run. Tests only read it."""
    root = tmp_path_factory.mktemp("small-run")
    (root / "params.yaml").write_text(small_params())
    run_all(root)
    return root


@pytest.fixture
def new_root(tmp_path: Path) -> Callable[..., Path]:
    """Makes folders with small params, in which nothing has run."""

    def make(name: str, changes: dict[str, dict[str, Any]] | None = None) -> Path:
        root = tmp_path / name
        root.mkdir()
        (root / "params.yaml").write_text(small_params(changes))
        return root

    return make


@pytest.fixture(scope="session")
def own_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the commands of the page on own data have run. Tests only read it."""
    place = tmp_path_factory.mktemp("own")
    dataset, root = TinyDataset(place / "data").write(), place / "run"
    root.mkdir()
    (place / "boxes.json").write_text(json.dumps(_in_one_file(dataset)))
    (root / "base.txt").write_text("cat\ndog\n")
    (root / "novel.txt").write_text("cow\n")
    places = {
        "/path/to/photos": str(dataset.folder),
        "/path/to/boxes.json": str(place / "boxes.json"),
        "/path/to/yolo/data.yaml": str(as_yolo(dataset, place / "yolo")),
        "/path/to/xml": str(as_xml(dataset, place / "xml")),
        "/path/to/photo.jpg": str(dataset.photos("val") / "v1.jpg"),
        "/path/to/train.json": "datasets/own/train.json",
        "/path/to/val.json": "datasets/own/val.json",
    }
    Recipe("own-data.md", root, places).run()
    return root


def _in_one_file(dataset: TinyDataset) -> dict[str, Any]:
    images = [
        image | {"file_name": f"{which}/{image['file_name']}"}
        for which, tree in (("train", dataset.train), ("val", dataset.val))
        for image in tree["images"]
    ]
    boxes = [{**box, "id": 900 + box["id"]} for box in dataset.val["annotations"]]
    return {**dataset.train, "images": images, "annotations": dataset.train["annotations"] + boxes}
