"""Boxes as JSON, COCO, YOLO and CSV, drawings and crops, from hand-made predictions."""

import csv
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image
from pycocotools.coco import COCO

import ezsd
from ezsd.errors import InputError
from ezsd.photo_files import NamedPhoto, PhotoFile
from ezsd.stages.pages.prediction_files import (
    Take,
    check_label_files,
    coco_file,
    crops,
    csv_file,
    drawings,
    json_file,
    label_file,
    yolo_folder,
)
from ezsd.stages.pages.predictions import Prediction

NAMES = ("cup", "fish/kite: a")
SCORES = (0.875, 0.5)
BOXES = ((10.0, 5.0, 30.0, 25.0), (0.0, 0.0, 40.0, 80.0))
WIDTH, HEIGHT = 40, 80
Output = Callable[[Path, Sequence[str]], AbstractContextManager[Take]]


def prediction(name: str, rows: Sequence[int] = (0, 1), frame: int | None = None) -> Prediction:
    """Of a photo that is red inside the first box: the boxes of some rows, each of the name of its row."""
    pixels = torch.zeros(3, HEIGHT, WIDTH, dtype=torch.uint8)
    pixels[0, 5:25, 10:30] = 255
    found = ezsd.Detections(
        boxes_xyxy=torch.tensor([BOXES[row] for row in rows]).reshape(-1, 4),
        scores=torch.tensor([SCORES[row] for row in rows]),
        labels=torch.tensor(list(rows), dtype=torch.int64),
        names=NAMES,
        original_size=(HEIGHT, WIDTH),
    )
    boxes = [
        {"name": NAMES[row], "score": SCORES[row], "box_xyxy": list(BOXES[row]), "trained": row == 0}
        for row in rows
    ]
    return Prediction(NamedPhoto(Path("in") / name, name, frame, pixels), found, boxes, None)


def write(output: Output, folder: Path, *predictions: Prediction) -> None:
    with output(folder, NAMES) as take:
        for one in predictions:
            take(one)


def test_json_is_a_list_of_photos(tmp_path: Path) -> None:
    given = prediction("a.jpg"), prediction("b_000003.png", (), frame=3)
    write(json_file, tmp_path, *given)
    read = json.loads((tmp_path / "predictions.json").read_text())
    assert read == [one.record() for one in given]
    assert read[1] == {"photo": "in/b_000003.png", "frame": 3, "detections": []}
    write(json_file, tmp_path)
    assert json.loads((tmp_path / "predictions.json").read_text()) == []


def test_coco_is_read_by_pycocotools(tmp_path: Path) -> None:
    write(coco_file, tmp_path, prediction("a.jpg"), prediction("sub/ü.jpg", ()), prediction("c.jpg", (1,)))
    data = COCO(str(tmp_path / "coco.json"))
    assert [one["file_name"] for one in data.loadImgs([1, 2, 3])] == ["a.jpg", "sub/ü.jpg", "c.jpg"]
    assert (data.imgs[1]["width"], data.imgs[1]["height"]) == (WIDTH, HEIGHT)
    assert [one["name"] for one in data.loadCats([1, 2])] == list(NAMES)
    first, second, third = data.loadAnns([1, 2, 3])
    assert (first["bbox"], first["score"], first["category_id"]) == ([10, 5, 20, 20], 0.875, 1)
    assert (second["area"], second["iscrowd"], second["image_id"]) == (3200, 0, 1)
    assert (third["image_id"], third["category_id"]) == (3, 2)
    results = data.loadRes([{key: one[key] for key in ("image_id", "category_id", "bbox", "score")}
                            for one in (first, second, third)])  # fmt: skip
    assert len(results.anns) == 3


def test_yolo_is_centre_and_sides_as_fractions(tmp_path: Path) -> None:
    write(yolo_folder, tmp_path, prediction("a.jpg"), prediction("sub/b.png", ()))
    assert (tmp_path / "labels/a.txt").read_text().splitlines() == [
        "0 0.500000 0.187500 0.500000 0.250000 0.875000",
        "1 0.500000 0.500000 1.000000 1.000000 0.500000",
    ]
    assert (tmp_path / "labels/sub/b.txt").read_text() == ""
    assert yaml.safe_load((tmp_path / "data.yaml").read_text())["names"] == dict(enumerate(NAMES))
    assert (tmp_path / "classes.txt").read_text().splitlines() == list(NAMES)


def test_two_photos_do_not_share_a_label_file() -> None:
    assert label_file("a.b/c.jpg") == "labels/a.b/c.txt"
    check_label_files([PhotoFile(Path("x/a.jpg"), "x/a.jpg"), PhotoFile(Path("y/a.jpg"), "y/a.jpg")])
    with pytest.raises(InputError, match=r"a\.jpg and a\.png share the label file labels/a\.txt"):
        check_label_files([PhotoFile(Path("a.jpg"), "a.jpg"), PhotoFile(Path("a.png"), "a.png")])


def test_csv_has_a_row_for_each_box(tmp_path: Path) -> None:
    write(
        csv_file, tmp_path, prediction("a.jpg"), prediction("b.jpg", ()), prediction("c.png", (1,), frame=7)
    )
    with (tmp_path / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["photo"], row["frame"], row["name"]) for row in rows] == [
        ("in/a.jpg", "", NAMES[0]), ("in/a.jpg", "", NAMES[1]), ("in/c.png", "7", NAMES[1])
    ]  # fmt: skip
    assert [float(rows[0][side]) for side in ("score", "x0", "y0", "x1", "y1")] == [0.875, *BOXES[0]]
    assert [row["trained"] for row in rows] == ["1", "0", "0"]


def test_drawings_have_the_names_of_their_photos(tmp_path: Path) -> None:
    long = "x" * 240
    write(
        drawings, tmp_path, prediction("a.jpg"), prediction("a.png", ()), prediction("sub/a.jpg"),
        prediction(f"{long}1.jpg"), prediction(f"{long}2.jpg"),
    )  # fmt: skip
    drawn = {path.relative_to(tmp_path / "drawings").as_posix() for path in tmp_path.rglob("*.png")}
    assert {"a.jpg.png", "a.png.png", "sub/a.jpg.png"} < drawn and len(drawn) == 5
    with Image.open(tmp_path / "drawings/a.jpg.png") as drawing:
        assert drawing.size == (2 * WIDTH, 2 * HEIGHT)  # small photos are drawn at twice their size


def test_a_crop_is_what_is_in_the_box(tmp_path: Path) -> None:
    write(crops, tmp_path, prediction("sub/a.jpg"))
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png")}
    assert written == {"crops/cup/sub/a.jpg-1.png", "crops/fish_kite_ a/sub/a.jpg-2.png"}
    with Image.open(tmp_path / "crops/cup/sub/a.jpg-1.png") as crop:
        assert crop.size == (20, 20) and crop.getcolors() == [(400, (255, 0, 0))]


def test_a_run_that_fails_leaves_no_part_of_a_file(tmp_path: Path) -> None:
    for output in (json_file, coco_file, csv_file):
        with pytest.raises(KeyboardInterrupt), output(tmp_path, NAMES) as take:
            take(prediction("a.jpg"))
            raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
