"""What `predict` writes, one photo after the other: boxes in four formats, drawings and crops.

Each function opens files for a run of `predict`, and yields what takes its predictions.
"""

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TextIO

import torch
from torchvision.transforms.v2.functional import to_pil_image

from ezsd.boxes import xyxy_to_xywh
from ezsd.cache.atomic import flush_file, write_bytes_atomic, written_aside
from ezsd.errors import InputError
from ezsd.photo_files import PhotoFile
from ezsd.stages.pages.drawing import caption, draw_objects, tint_masks
from ezsd.stages.pages.predictions import Prediction, as_png

MOST_BYTES = 200
"""Of a photo's name that its drawing's name keeps."""
LONG_SIDE = 1024
"""Pixels of a drawing."""

Take = Callable[[Prediction], None]


@contextmanager
def json_file(out: Path, names: Sequence[str]) -> Iterator[Take]:
    """`predictions.json`: a list of `Prediction.record`."""
    with _text_file(out / "predictions.json") as file, json_list(file) as add:
        yield lambda prediction: add(prediction.record())


@contextmanager
def coco_file(out: Path, names: Sequence[str]) -> Iterator[Take]:
    """`coco.json`: a data set in COCO's format whose annotations have a `score`."""
    categories = [{"id": number, "name": name} for number, name in enumerate(names, start=1)]
    images, boxes = 0, 0
    with _text_file(out / "coco.json") as file, TemporaryFile("w+", encoding="utf-8") as aside:
        file.write(f'{{"categories": {json.dumps(categories)},\n"annotations": ')
        with json_list(file) as add_box, json_list(aside) as add_image:

            def take(prediction: Prediction) -> None:
                nonlocal images, boxes
                images += 1
                height, width = prediction.found.original_size
                add_image(
                    {"id": images, "file_name": prediction.photo.name, "width": width, "height": height}
                )
                for result in prediction.found.to_coco(image_id=images):
                    boxes += 1
                    area = result["bbox"][2] * result["bbox"][3]
                    # tools expect a segmentation, and an empty one is a box
                    kind = {"id": boxes, "area": round(area, 2), "iscrowd": 0, "segmentation": []}
                    add_box(kind | result)

            yield take
        file.write(',\n"images": ')
        aside.seek(0)
        file.writelines(aside)
        file.write("}\n")


@contextmanager
def csv_file(out: Path, names: Sequence[str]) -> Iterator[Take]:
    """`predictions.csv`: a row for each box."""
    with _text_file(out / "predictions.csv") as file:
        columns = ("photo", "frame", "name", "score", "x0", "y0", "x1", "y1", "trained")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)

        def take(prediction: Prediction) -> None:
            for box in prediction.detections:
                place = (prediction.photo.path, prediction.photo.frame)
                writer.writerow([*place, box["name"], box["score"], *box["box_xyxy"], int(box["trained"])])

        yield take


@contextmanager
def yolo_folder(out: Path, names: Sequence[str]) -> Iterator[Take]:
    """`labels/NAME.txt`, `data.yaml`, `classes.txt`: a YOLO data set, once its photos are in `images/`.

    A line is `class x y width height score`, the box's centre and sides as fractions of the photo's.
    """
    numbered = "".join(f"  {number}: {json.dumps(name)}\n" for number, name in enumerate(names))
    write_bytes_atomic(out / "data.yaml", f"path: .\ntrain: images\nval: images\nnames:\n{numbered}".encode())
    write_bytes_atomic(out / "classes.txt", "".join(f"{name}\n" for name in names).encode())

    def take(prediction: Prediction) -> None:
        found = prediction.found
        height, width = found.original_size
        sides = xyxy_to_xywh(found.boxes_xyxy.double())
        sides[:, :2] += sides[:, 2:] / 2
        sides /= torch.tensor([width, height] * 2)
        rows = zip(found.labels.tolist(), sides.tolist(), found.scores.tolist(), strict=True)
        text = "".join(
            f"{label} {' '.join(f'{side:.6f}' for side in box)} {score:.6f}\n" for label, box, score in rows
        )
        write_bytes_atomic(out / label_file(prediction.photo.name), text.encode())

    yield take


@contextmanager
def drawings(out: Path, names: Sequence[str]) -> Iterator[Take]:
    """`drawings/NAME.png`: the photo with what was found."""

    def take(prediction: Prediction) -> None:
        found = prediction.found
        captions = [caption(one["name"], one["score"]) for one in prediction.detections]
        novel = [not one["trained"] for one in prediction.detections]
        masks = found.masks()
        pixels = prediction.photo.pixels
        tinted = pixels if masks is None else tint_masks(pixels, masks, novel)
        drawing = draw_objects(tinted, found.boxes_xyxy, captions, novel, LONG_SIDE)
        write_bytes_atomic(out / "drawings" / f"{_short(prediction.photo.name)}.png", as_png(drawing))

    yield take


@contextmanager
def crops(out: Path, names: Sequence[str]) -> Iterator[Take]:
    """`crops/NAME OF THE OBJECT/PHOTO-1.png`: what is in each box, in the photo's own pixels."""

    def take(prediction: Prediction) -> None:
        for number, box in enumerate(prediction.detections, start=1):
            x0, y0, x1, y1 = (round(side) for side in box["box_xyxy"])
            pixels = prediction.photo.pixels[:, y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
            folder = out / "crops" / re.sub(r"[^\w -]", "_", box["name"])
            file = folder / f"{_short(prediction.photo.name)}-{number}.png"
            if pixels.numel():
                write_bytes_atomic(file, as_png(to_pil_image(pixels)))

    yield take


FORMATS = {"json": json_file, "coco": coco_file, "yolo": yolo_folder, "csv": csv_file}


def label_file(name: str) -> str:
    """The label file of a photo: `a/b.jpg` -> `labels/a/b.txt`."""
    return f"labels/{Path(name).with_suffix('.txt').as_posix()}"


def check_label_files(files: Sequence[PhotoFile]) -> None:
    """Raise InputError if two photos have the same label file."""
    taken: dict[str, Path] = {}
    for file in files:
        other = taken.setdefault(label_file(file.name), file.path)
        if other != file.path:
            raise InputError(
                f"{other} and {file.path} share the label file {label_file(file.name)}: rename one of them"
            )


@contextmanager
def json_list(file: TextIO) -> Iterator[Callable[[Any], None]]:
    """A JSON list that is written value by value, one a line."""
    before = "["

    def add(value: Any) -> None:
        nonlocal before
        file.write(f"{before}\n{json.dumps(value)}")
        before = ","

    yield add
    file.write("[]" if before == "[" else "\n]")


@contextmanager
def _text_file(path: Path) -> Iterator[TextIO]:
    """A file that takes its name when all is written; names of photos may be any bytes."""
    with written_aside(path, 0) as aside:
        with aside.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            yield file
        flush_file(aside)


def _short(name: str) -> str:
    """The name, or a shorter one that no other photo has: file systems allow 255 bytes."""
    parent, _, last = name.rpartition("/")
    if len(last.encode(errors="surrogateescape")) > MOST_BYTES:
        digest = hashlib.sha256(last.encode(errors="surrogateescape")).hexdigest()[:8]
        last = f"{last[: MOST_BYTES // 4]}-{digest}"
    return f"{parent}/{last}" if parent else last
