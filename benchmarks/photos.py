"""Real photos in COCO's layout, and a teacher that knows such photos, if this machine has them.

EZSD_PHOTOS names a folder with `train2017`, `val2017` and `annotations`; training photos of other such
folders beside it are used too. EZSD_TEACHER is `module:function` of a function that returns a teacher, as
`teacher.factory`.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.provenance import REPOSITORY
from ezsd.cache.atomic import write_json_atomic

VALIDATION = Path("annotations") / "instances_val2017.json"


def need_real_data() -> tuple[Path, str]:
    """Return the folder of photos and the teacher's factory; exit with one sentence if there are none."""
    beside = REPOSITORY.parent / "shared" / "data" / "coco-photos"
    folder, factory = Path(os.environ.get("EZSD_PHOTOS", beside)), os.environ.get("EZSD_TEACHER")
    if factory is None or not (folder / VALIDATION).is_file():
        sys.exit("error: set EZSD_PHOTOS to a folder in COCO's layout and EZSD_TEACHER to module:function")
    return folder, factory


def real_overrides(photos: Path, factory: str, root: Path, limit: int | None = None) -> tuple[str, ...]:
    """Return params of a run of a teacher over real photos; writes the training annotations into `root`.

    Training photos are those of all folders in COCO's layout beside `photos`, each file name once; at most
    `limit`, evenly spaced.
    """
    annotations = root / "train.json"
    write_json_atomic(annotations, _spaced(_merge_training(photos), limit))
    return (
        "data.format=coco",
        "data.split=coco_48_17",
        "data.world=null",
        f"data.train_photos={photos.parent}",
        f"data.train_annotations={annotations}",
        f"data.val_photos={photos / 'val2017'}",
        f"data.val_annotations={photos / VALIDATION}",
        "teacher.model=real",
        f"teacher.factory={factory}",
    )


def _spaced(tree: dict[str, Any], limit: int | None) -> dict[str, Any]:
    images = tree["images"]
    count = min(limit or len(images), len(images))
    chosen = [images[place * len(images) // count] for place in range(count)]
    ids = {image["id"] for image in chosen}
    return {
        **tree,
        "images": chosen,
        "annotations": [one for one in tree["annotations"] if one["image_id"] in ids],
    }


def _merge_training(photos: Path) -> dict[str, Any]:
    """Return one COCO tree of the training photos in all folders; ids are counted anew."""
    validation = _read(photos / VALIDATION)
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
