"""Draw annotation files of a shape, the same bytes each time, and the tiny photos that they list."""

import io
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.rehearsal.shapes import LVIS_COMMON, LVIS_FREQUENT, LVIS_RARE, Shape

SIZES_WH = ((64, 48), (48, 64))
"""Landscape and portrait photos."""
POLYGONS = 1024
"""Different polygons; objects share them at random, since reading them costs the same."""
_PHOTO_FILES = 8
"""Different photos; each is linked under many names, within the limit of file systems."""
_FIRST_ID = {"train": 1, "val": 1_000_001}


@dataclass(frozen=True)
class Drawn:
    """Boxes of a set, ordered by photo: `image` (M,) index of the photo, `label` (M,), `box_xywh` (M, 4)."""

    image: np.ndarray
    label: np.ndarray
    box_xywh: np.ndarray


def draw_data_set(shape: Shape, folder: Path) -> None:
    """Write `train.json`, `val.json` and the photos below `train2017/` and `val2017/`."""
    for which, photos, boxes in (
        ("train", shape.photos, shape.boxes),
        ("val", shape.val_photos, shape.val_boxes),
    ):
        generator = np.random.default_rng([len(shape.kind), shape.names, _FIRST_ID[which]])
        _write_photos(folder, which, photos)
        drawn = draw_boxes(shape, photos, boxes, generator)
        with (folder / f"{which}.json").open("w", encoding="utf-8") as file:
            file.writelines(_annotation_text(shape, which, photos, drawn, generator))


def draw_boxes(shape: Shape, photos: int, boxes: int, generator: np.random.Generator) -> Drawn:
    """Draw boxes: a few photos have many, and a few names have most (a power law)."""
    weights = np.minimum(generator.lognormal(0, 0.8, photos), shape.most_boxes * photos / boxes)
    per_photo = generator.multinomial(boxes, weights / weights.sum())
    image = np.repeat(np.arange(photos), per_photo)
    own_name = generator.random(boxes) >= shape.same_name
    own_name[np.flatnonzero(np.diff(image, prepend=-1))] = True
    ranks = np.arange(1, shape.names + 1)
    share = 1.0 / ranks**1.3
    label = generator.choice(shape.names, boxes, p=share / share.sum())
    label = label[np.maximum.accumulate(np.where(own_name, np.arange(boxes), 0))]
    sizes_wh = np.array(SIZES_WH)[image % len(SIZES_WH)]
    sides = np.exp(generator.uniform(np.log(2.5), np.log(40), (boxes, 2)))
    corner = generator.random((boxes, 2)) * (sizes_wh - sides)
    return Drawn(image, label, np.concatenate([corner, sides], axis=1).round(2))


def draw_polygons(corners: int) -> list[list[float]]:
    """Draw blobs within a photo of either size, in COCO's form: x, y, x, y, ..."""
    generator = np.random.default_rng(corners)
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    radius = np.exp(generator.uniform(np.log(2), np.log(20), (POLYGONS, 1)))
    rough = radius * generator.uniform(0.7, 1.0, (POLYGONS, corners))
    centre = generator.uniform(radius, min(SIZES_WH[0]) - radius, (POLYGONS, 2))
    corners_xy = centre[:, None] + rough[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    polygons: list[list[float]] = corners_xy.reshape(POLYGONS, -1).round(2).tolist()
    return polygons


def _annotation_text(
    shape: Shape, which: str, photos: int, drawn: Drawn, generator: np.random.Generator
) -> Iterator[str]:
    yield '{"categories": ' + json.dumps(_categories(shape)) + ', "images": [\n'
    yield ",\n".join(_images(shape, which, photos, drawn, generator))
    yield '\n], "annotations": [\n'
    polygons = [json.dumps([polygon]) for polygon in draw_polygons(shape.corners)]
    polygon = generator.integers(0, POLYGONS, len(drawn.image)).tolist()
    crowd = (generator.random(len(drawn.image)) < shape.crowds).tolist()
    rows = zip(drawn.image.tolist(), drawn.label.tolist(), drawn.box_xywh.tolist(), strict=True)
    for number, (image, label, box) in enumerate(rows):
        segmentation = _crowd_mask(image) if crowd[number] else polygons[polygon[number]]
        yield (
            f'{"," if number else ""}{{"id": {number + 1}, "image_id": {_FIRST_ID[which] + image}, '
            f'"category_id": {label + 1}, "bbox": {box}, "area": {box[2] * box[3]:.2f}, '
            f'"iscrowd": {int(crowd[number])}, "segmentation": {segmentation}}}\n'
        )
    yield "]}\n"


def _crowd_mask(image: int) -> str:
    width, height = SIZES_WH[image % len(SIZES_WH)]
    counts = [100, 500, width * height - 600]
    return json.dumps({"size": [height, width], "counts": counts})


def _categories(shape: Shape) -> list[dict[str, object]]:
    rows = [{"id": label + 1, "name": name} for label, name in enumerate(shape.category_names())]
    if shape.kind == "coco":
        return rows
    kinds = "f" * LVIS_FREQUENT + "c" * LVIS_COMMON + "r" * LVIS_RARE
    return [{**row, "frequency": kinds[label * len(kinds) // shape.names]} for label, row in enumerate(rows)]


def _images(
    shape: Shape, which: str, photos: int, drawn: Drawn, generator: np.random.Generator
) -> Iterator[str]:
    """Yield image entries; LVIS's also list a dozen names searched for, one of them not exhaustively."""
    starts = np.searchsorted(drawn.image, np.arange(photos + 1))
    for image in range(photos):
        width, height = SIZES_WH[image % len(SIZES_WH)]
        name = f"{which}2017/{_file_name(which, image)}"
        row = {"id": _FIRST_ID[which] + image, "width": width, "height": height}
        if shape.kind == "coco":
            yield json.dumps({**row, "file_name": _file_name(which, image)})
            continue
        present = np.unique(drawn.label[starts[image] : starts[image + 1]]) + 1
        absent = np.setdiff1d(generator.integers(1, shape.names + 1, 12), present).tolist()
        lists = {"neg_category_ids": absent, "not_exhaustive_category_ids": present[:1].tolist()}
        yield json.dumps({**row, "coco_url": f"http://images.cocodataset.org/{name}", **lists})


def _file_name(which: str, image: int) -> str:
    return f"{_FIRST_ID[which] + image:012d}.jpg"


def _write_photos(folder: Path, which: str, photos: int) -> None:
    home = folder / f"{which}2017"
    home.mkdir(parents=True)
    originals = list(_draw_originals(folder / f"{which}-originals"))
    for image in range(photos):
        original = originals[image % len(SIZES_WH)][image % _PHOTO_FILES]
        os.link(original, home / _file_name(which, image))


def _draw_originals(folder: Path) -> Iterator[Sequence[Path]]:
    """Noise of each size."""
    folder.mkdir()
    for size_wh in SIZES_WH:
        paths = []
        for number in range(_PHOTO_FILES):
            pixels = np.random.default_rng(number).integers(0, 256, (*size_wh[::-1], 3), np.uint8)
            data = io.BytesIO()
            Image.fromarray(pixels).save(data, "JPEG")
            paths.append(folder / f"{size_wh[0]}-{number}.jpg")
            paths[-1].write_bytes(data.getvalue())
        yield paths
