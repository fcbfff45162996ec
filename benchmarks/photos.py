"""Real photos in COCO's layout, if this machine has some."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.provenance import REPOSITORY
from ezsd.cache.atomic import write_json_atomic

PHOTOS = 12
"""Few, since the exhaustive miner is slow."""


def find_coco_photos() -> Path | None:
    """Return the folder that EZSD_PHOTOS names, or the one beside the project; None if there is none."""
    beside = REPOSITORY.parent / "shared" / "data" / "coco-photos"
    folder = Path(os.environ.get("EZSD_PHOTOS", beside))
    return folder if (folder / "annotations").is_dir() else None


def coco_overrides(photos: Path, root: Path) -> tuple[str, ...]:
    """Return params of a run over the first `PHOTOS` photos; writes their annotations into `root`."""
    annotations = root / "train.json"
    write_json_atomic(annotations, _first(photos / "annotations" / "instances_train2017.json"))
    return (
        "data.format=coco",
        "data.split=coco_48_17",
        "data.world=null",
        f"data.train_photos={photos / 'train2017'}",
        f"data.train_annotations={annotations}",
        f"data.val_photos={photos / 'val2017'}",
        f"data.val_annotations={photos / 'annotations' / 'instances_val2017.json'}",
        "renorm.epochs=4",
        "renorm.check=null",
        "mine.keep=200",
        "mine.photos_per_shard=2",
    )


def find_real_teacher() -> str | None:
    """Return `module:function` of a teacher of real photos, from EZSD_TEACHER; None if it is not set."""
    return os.environ.get("EZSD_TEACHER")


def real_overrides(photos: Path, factory: str, root: Path) -> tuple[str, ...]:
    """Return params of a run of a teacher over all real photos; writes the training annotations into `root`.

    Training photos are those of all folders in COCO's layout beside `photos`, each file name once.
    """
    annotations = root / "train.json"
    write_json_atomic(annotations, _merge_training(photos))
    return (
        "data.format=coco",
        "data.split=coco_48_17",
        "data.world=null",
        f"data.train_photos={photos.parent}",
        f"data.train_annotations={annotations}",
        f"data.val_photos={photos / 'val2017'}",
        f"data.val_annotations={photos / 'annotations' / 'instances_val2017.json'}",
        "teacher.model=real",
        f"teacher.factory={factory}",
    )


def _merge_training(photos: Path) -> dict[str, Any]:
    """Return one COCO tree of the training photos in all folders; ids are counted anew."""
    validation = _read(photos / "annotations" / "instances_val2017.json")
    seen = {image["file_name"] for image in validation["images"]}
    merged: dict[str, Any] = {"images": [], "annotations": [], "categories": validation["categories"]}
    for file in sorted(photos.parent.glob("*/annotations/instances_train2017.json")):
        tree, numbers = _read(file), {}
        for image in tree["images"]:
            if image["file_name"] not in seen:
                seen.add(image["file_name"])
                numbers[image["id"]] = len(merged["images"]) + 1
                name = f"{file.parents[1].name}/train2017/{image['file_name']}"
                merged["images"].append({**image, "id": numbers[image["id"]], "file_name": name})
        merged["annotations"] += _renumbered(tree, numbers, len(merged["annotations"]))
    return merged


def _renumbered(tree: Mapping[str, Any], numbers: Mapping[int, int], start: int) -> list[dict[str, Any]]:
    own = [one for one in tree["annotations"] if one["image_id"] in numbers]
    return [
        {**one, "id": start + place, "image_id": numbers[one["image_id"]]}
        for place, one in enumerate(own, start=1)
    ]


def _read(annotations: Path) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(annotations.read_text(encoding="utf-8"))
    return tree


def _first(annotations: Path) -> dict[str, object]:
    tree = _read(annotations)
    images = sorted(tree["images"], key=lambda image: image["id"])[:PHOTOS]
    chosen = {image["id"] for image in images}
    boxes = [one for one in tree["annotations"] if one["image_id"] in chosen]
    return {**tree, "images": images, "annotations": boxes}
