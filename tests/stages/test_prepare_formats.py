"""`prepare` reads COCO, LVIS and VOC into the same index, and photos as cameras and tools leave them."""

import json
from pathlib import Path

import numpy as np
from PIL import Image
from support.formats import as_lvis, as_voc

from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.params import Params, parse_params, preset_text
from ezsd.pipeline.runner import artifact_folder, run_stage


def prepare(params: Params, root: Path) -> Prepared:
    run_stage(STAGES, "prepare", params, root)
    return Prepared(artifact_folder(root, "prepare"))


def unusual_photos(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(folder / "b.jpg").convert("CMYK").save(folder / "b.jpg")
    Image.open(folder / "a.jpg").transpose(Image.Transpose.ROTATE_90).save(folder / "a.jpg", exif=exif)
    Image.fromarray(np.full((48, 64), 30_000, dtype=np.uint16)).save(folder / "sub" / "c.png")
    Image.open(folder / "empty.jpg").convert("L").save(folder / "empty.jpg")


def test_unusual_photos_are_photos(tiny_dataset, tmp_path):
    unusual_photos(tiny_dataset.photos("train"))
    prepared = prepare(tiny_dataset.params(), tmp_path)
    assert prepared.quarantine == ()
    assert len(prepared.train) == 5


def test_lvis(tiny_dataset, tmp_path):
    prepared = prepare(as_lvis(tiny_dataset), tmp_path)
    assert prepared.split.base == ("cat", "dog")
    assert prepared.split.novel == ("cow", "sofa")
    assert prepared.train.photos.file_names[:2] == ["train/a.jpg", "train/b.jpg"]
    assert prepared.train.photos.file_names[4] == "sub/c.png"


def test_voc_finds_the_same_boxes(tiny_dataset, tmp_path):
    coco = prepare(tiny_dataset.params(), tmp_path / "coco").train
    voc = prepare(as_voc(tiny_dataset), tmp_path / "voc").train
    rows = {name: row for row, name in enumerate(voc.photos.file_names)}
    for row, name in enumerate(coco.photos.file_names):
        expected, found = coco.boxes_of(row), voc.boxes_of(rows[name])
        np.testing.assert_array_equal(found.boxes_xyxy, expected.boxes_xyxy)
        np.testing.assert_array_equal(found.labels, expected.labels)


def test_real_photos(coco_photos, tmp_path):
    text = preset_text("coco").replace("datasets/data", coco_photos.as_posix())
    prepared = prepare(parse_params(text, ["run.workers=1", "prepare.empty_photos=keep"]), tmp_path)
    assert (len(prepared.train), len(prepared.val)) == (80, 79)
    assert prepared.quarantine == ()
    tree = json.loads((coco_photos / "annotations" / "instances_train2017.json").read_text())
    names = {category["id"]: category["name"] for category in tree["categories"]}
    expected = {
        row["id"]: row for row in tree["annotations"] if names[row["category_id"]] in prepared.split.base
    }
    boxes = prepared.train.boxes
    assert sorted(boxes.annotation_ids.tolist()) == sorted(expected)
    assert boxes.crowd.sum() == sum(row["iscrowd"] for row in expected.values()) > 0
    for number, box, label in zip(boxes.annotation_ids, boxes.boxes_xyxy, boxes.labels, strict=True):
        x, y, width, height = expected[number]["bbox"]
        np.testing.assert_allclose(box, [x, y, x + width, y + height], atol=1e-3)
        assert prepared.split.base[label] == names[expected[number]["category_id"]]
