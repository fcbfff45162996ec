"""The tiny data set as LVIS and as VOC write theirs; each gives the params that read it."""

import shutil
from pathlib import Path
from typing import Any

from ezsd.pipeline.params import Params


def as_lvis(dataset: Any, *overrides: str) -> Params:
    """LVIS files: cats are frequent, dogs common, others rare; no name is known to be absent."""
    shutil.move(dataset.photos("train") / "sub", dataset.folder / "sub")
    for which, tree in (("train", dataset.train), ("val", dataset.val)):
        for category in tree["categories"]:
            category["frequency"] = {"cat": "f", "dog": "c"}.get(category["name"], "r")
        for image in tree["images"]:
            name = image.pop("file_name")
            path = name if name.startswith("sub/") else f"{which}/{name}"
            image["coco_url"] = f"http://images.example.org/{path}"
            image["neg_category_ids"] = image["not_exhaustive_category_ids"] = []
    dataset.save()
    photos = [f"data.{which}_photos={dataset.folder}" for which in ("train", "val")]
    return dataset.params("data.format=lvis", "data.split=lvis_866_337", *photos, *overrides)


def _voc_xml(image: dict, rows: list[dict], names: dict[int, str]) -> str:
    objects = ""
    for row in rows:
        x, y, width, height = row["bbox"]
        corners = {"xmin": x + 1, "ymin": y + 1, "xmax": x + width, "ymax": y + height}
        box = "".join(f"<{key}>{value}</{key}>" for key, value in corners.items())
        name, difficult = names[row["category_id"]], row["iscrowd"]
        objects += (
            f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>{box}</bndbox></object>"
        )
    size = f"<size><width>{image['width']}</width><height>{image['height']}</height></size>"
    return f"<annotation><filename>{image['file_name']}</filename>{size}{objects}</annotation>"


def as_voc(dataset: Any, *overrides: str) -> Params:
    """A VOC folder; what is a crowd in COCO is difficult."""
    annotations, lists = dataset.folder / "Annotations", dataset.folder / "ImageSets" / "Main"
    annotations.mkdir()
    lists.mkdir(parents=True)
    names = {number: name for name, number in dataset.CATEGORY_IDS.items()}
    for which, tree in (("train", dataset.train), ("val", dataset.val)):
        for image in tree["images"]:
            rows = [row for row in tree["annotations"] if row["image_id"] == image["id"]]
            path = annotations / f"{Path(image['file_name']).stem}.xml"
            path.write_text(_voc_xml(image, rows, names))
        stems = [Path(image["file_name"]).stem for image in tree["images"]]
        (lists / f"{which}.txt").write_text("\n".join(stems))
    paths = [f"data.{which}_annotations={lists}/{which}.txt" for which in ("train", "val")]
    return dataset.params("data.format=voc", *paths, *overrides)


def as_xml(dataset: Any, folder: Path) -> Path:
    """The training photos' boxes as a folder of XML files, as labelling tools write them."""
    folder.mkdir()
    names = {category["id"]: category["name"] for category in dataset.train["categories"]}
    for image in dataset.train["images"]:
        rows = [row for row in dataset.train["annotations"] if row["image_id"] == image["id"]]
        stem = Path(image["file_name"]).stem
        (folder / f"{stem}.xml").write_text(_voc_xml(image, rows, names))
    return folder


def as_yolo(dataset: Any, folder: Path) -> Path:
    """A copy as a YOLO folder; returns its `data.yaml`. A photo without a box has no file of labels."""
    names = [category["name"] for category in dataset.train["categories"]]
    order = {category["id"]: place for place, category in enumerate(dataset.train["categories"])}
    for which, tree in (("train", dataset.train), ("val", dataset.val)):
        shutil.copytree(dataset.photos(which), folder / "images" / which)
        for image in tree["images"]:
            rows = [row for row in tree["annotations"] if row["image_id"] == image["id"]]
            lines = [_yolo_line(order[row["category_id"]], image, *row["bbox"]) for row in rows]
            labels = (folder / "labels" / which / image["file_name"]).with_suffix(".txt")
            labels.parent.mkdir(parents=True, exist_ok=True)
            if lines:
                labels.write_text("".join(lines))
    text = f"train: images/train\nval: images/val\nnames: [{', '.join(names)}]\n"
    (folder / "data.yaml").write_text(text)
    return folder / "data.yaml"


def _yolo_line(number: int, image: Any, x: float, y: float, width: float, height: float) -> str:
    middle = ((x + width / 2) / image["width"], (y + height / 2) / image["height"])
    return f"{number} {middle[0]} {middle[1]} {width / image['width']} {height / image['height']}\n"
