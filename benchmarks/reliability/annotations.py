"""Damaged annotations in each format, around two small photos."""

import json
import re
from dataclasses import replace
from random import Random
from typing import Any, Literal

from benchmarks.reliability.mutations import damage_bytes, damage_text, damage_tree, hostile, json_text
from benchmarks.reliability.workbench import Workbench, overwrite, some_photos
from ezsd.pipeline.params import DataParams, OwnSplit, Params

Format = Literal["coco", "lvis", "voc"]

WIDTH, HEIGHT = 16, 24
NAMES = ("cat", "dog", "cow")
BOXES = (
    (1, 7, 1, (2, 3, 9, 9)),
    (2, 7, 2, (0, 0, 16, 20)),
    (3, 8, 3, (5, 5, 4, 4)),
    (4, 8, 1, (1, 1, 9, 12)),
)
"""Annotation id, image id, category id, and x, y, width, height."""


def damage_annotations(form: Format, random: Random, bench: Workbench) -> Params:
    """Write annotations with some damage into the case's folder; returns params that read them."""
    photos = {7: f"{form}_a.jpg", 8: f"{form}_b.jpg"}
    root = "." if form == "lvis" else "photos"  # LVIS names photos with their folder
    for name in photos.values():
        overwrite(bench.place / "photos" / name, some_photos()[0])
    which = random.choice(("train", "val"))
    files = _voc(photos) if form == "voc" else _json_files(form, photos)
    for name, text in files.items():
        damaged = text.encode()
        if which in name or (form == "voc" and random.random() < 0.5):
            damaged = _damage(random, text)
        overwrite(bench.place / name, damaged)
    split = OwnSplit(base=("cat", "dog"), novel=("cow",))
    data = DataParams(
        format=form,
        split=split,
        world=None,
        train_photos=root,
        train_annotations=_path(form, "train"),
        val_photos=root,
        val_annotations=_path(form, "val"),
    )
    prepare = replace(
        bench.params.prepare,
        masks=form != "voc" and random.random() < 0.5,
        max_quarantined_fraction=random.choice((0.01, 1.0)),
    )
    return replace(bench.params, data=data, prepare=prepare)


def _damage(random: Random, text: str) -> bytes:
    if text.startswith("{") and random.random() < 0.75:
        return json_text(damage_tree(random, json.loads(text))).encode()
    if text.startswith("<") and random.random() < 0.7:
        start = random.choice([match.start() + 1 for match in re.finditer(">[^<]", text)])
        end = text.index("<", start)
        return f"{text[:start]}{hostile(random)}{text[end:]}".encode(errors="surrogatepass")
    if random.random() < 0.5:
        return damage_text(random, text.replace(",", ",\n").replace("><", ">\n<")).encode(errors="replace")
    return damage_bytes(random, text.encode())


def _path(form: str, which: str) -> str:
    return f"ImageSets/Main/{which}.txt" if form == "voc" else f"{which}.json"


def _json_files(form: str, photos: dict[int, str]) -> dict[str, str]:
    images: list[dict[str, Any]] = [
        {"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT} for number, name in photos.items()
    ]
    if form == "lvis":
        for image in images:
            image |= {
                "coco_url": f"http://images.example.org/photos/{image.pop('file_name')}",
                "neg_category_ids": [2],
                "not_exhaustive_category_ids": [3],
            }
    annotations = [
        {
            "id": number,
            "image_id": image,
            "category_id": category,
            "bbox": [x, y, w, h],
            "area": w * h,
            "iscrowd": 0,
            "segmentation": [[x, y, x + w, y, x + w, y + h]],
        }
        for number, image, category, (x, y, w, h) in BOXES
    ]
    counts: dict[str, Any] = {"size": [HEIGHT, WIDTH], "counts": [100, 84, 200]}
    annotations[0] |= {"segmentation": counts, "iscrowd": 1}
    annotations[3]["segmentation"] = {"size": [HEIGHT, WIDTH], "counts": "`2`9"}
    categories = [
        {"id": number, "name": name, "frequency": letter}
        for number, (name, letter) in enumerate(zip(NAMES, "fcr", strict=True), start=1)
    ]
    text = json.dumps({"images": images, "annotations": annotations, "categories": categories})
    return {"train.json": text, "val.json": text}


def _voc(photos: dict[int, str]) -> dict[str, str]:
    files = {}
    for number, name in photos.items():
        objects = "".join(
            f"<object><name>{NAMES[category - 1]}</name><difficult>0</difficult><bndbox><xmin>{x + 1}</xmin>"
            f"<ymin>{y + 1}</ymin><xmax>{x + w}</xmax><ymax>{y + h}</ymax></bndbox></object>"
            for _, image, category, (x, y, w, h) in BOXES
            if image == number
        )
        size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"
        files[f"Annotations/{name.removesuffix('.jpg')}.xml"] = (
            f'<?xml version="1.0"?><annotation><filename>{name}</filename>{size}{objects}</annotation>'
        )
    stems = "\n".join(name.removesuffix(".jpg") for name in photos.values())
    return files | {"ImageSets/Main/train.txt": stems, "ImageSets/Main/val.txt": stems}
