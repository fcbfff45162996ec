"""Real photos in COCO's layout, if this machine has some."""

import json
import os
from pathlib import Path

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


def _first(annotations: Path) -> dict[str, object]:
    tree = json.loads(annotations.read_text(encoding="utf-8"))
    images = sorted(tree["images"], key=lambda image: image["id"])[:PHOTOS]
    chosen = {image["id"] for image in images}
    boxes = [one for one in tree["annotations"] if one["image_id"] in chosen]
    return {**tree, "images": images, "annotations": boxes}
