"""`prepare` reads COCO, LVIS and VOC into the same index, and photos as cameras and tools leave them."""

import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.data.prepared import Prepared
from pipeline.params import Params, parse_params, preset_text
from pipeline.runner import artifact_folder, run_stage
from stages.graph import STAGES


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


def as_lvis(dataset) -> Params:
    shutil.move(dataset.photos("train") / "sub", dataset.folder / "sub")
    for which, tree in (("train", dataset.train), ("val", dataset.val)):
        for category in tree["categories"]:
            category["frequency"] = {"cat": "f", "dog": "c"}.get(category["name"], "r")
        for image in tree["images"]:
            name = image.pop("file_name")
            path = name if name.startswith("sub/") else f"{which}/{name}"
            image["coco_url"] = f"http://images.example.org/{path}"
    dataset.save()
    photos = [f"data.{which}_photos={dataset.folder}" for which in ("train", "val")]
    return dataset.params("data.format=lvis", "data.split=lvis_866_337", *photos)


def test_lvis(tiny_dataset, tmp_path):
    prepared = prepare(as_lvis(tiny_dataset), tmp_path)
    assert prepared.split.base == ("cat", "dog")
    assert prepared.split.novel == ("cow", "sofa")
    assert prepared.train.photos.file_names[:2] == ["train/a.jpg", "train/b.jpg"]
    assert prepared.train.photos.file_names[4] == "sub/c.png"


def voc_xml(image: dict, rows: list[dict], names: dict[int, str]) -> str:
    objects = ""
    for row in rows:
        x, y, width, height = row["bbox"]
        corners = {"xmin": x + 1, "ymin": y + 1, "xmax": x + width, "ymax": y + height}
        box = "".join(f"<{key}>{value}</{key}>" for key, value in corners.items())
        objects += f"<object><name>{names[row['category_id']]}</name><bndbox>{box}</bndbox></object>"
    size = f"<size><width>{image['width']}</width><height>{image['height']}</height></size>"
    return f"<annotation><filename>{image['file_name']}</filename>{size}{objects}</annotation>"


def as_voc(dataset) -> Params:
    annotations, lists = dataset.folder / "Annotations", dataset.folder / "ImageSets" / "Main"
    annotations.mkdir()
    lists.mkdir(parents=True)
    names = {number: name for name, number in dataset.CATEGORY_IDS.items()}
    for which, tree in (("train", dataset.train), ("val", dataset.val)):
        for image in tree["images"]:
            rows = [row for row in tree["annotations"] if row["image_id"] == image["id"]]
            path = annotations / f"{Path(image['file_name']).stem}.xml"
            path.write_text(voc_xml(image, rows, names))
        stems = [Path(image["file_name"]).stem for image in tree["images"]]
        (lists / f"{which}.txt").write_text("\n".join(stems))
    paths = [f"data.{which}_annotations={lists}/{which}.txt" for which in ("train", "val")]
    return dataset.params("data.format=voc", *paths)


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
