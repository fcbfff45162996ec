"""A user's own data from a COCO file and two lists of names: a validation split, and a params file."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ezsd.cache.atomic import write_bytes_atomic
from ezsd.pipeline.data.checks import read_photos
from ezsd.pipeline.data.coco import CocoFile
from ezsd.pipeline.data.json_rows import load_json, table
from ezsd.pipeline.data.views import check_base
from ezsd.pipeline.errors import DataError
from ezsd.pipeline.params import parse_params, preset_text
from ezsd.split import Split

HELD_OUT = 5
"""One photo in this many is held out for validation."""
FILES = {which: f"datasets/own/{which}.json" for which in ("train", "val")}
"""Paths of the two parts of the annotations, relative to the folder of the params."""
PRESET = "voc"
"""Own data use the VOC recipe: the paper's for boxes, without masks."""


@dataclass(frozen=True)
class OwnData:
    """A user's photos, their boxes in COCO's format, and the split."""

    photos: Path
    annotations: Path
    split: Split


def read_names(given: str) -> tuple[str, ...]:
    """Names from a text file, one per line, or from a comma-separated text."""
    path = Path(given)
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if os.path.isfile(path) else given.split(",")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a list of names ({error})") from None
    return tuple(line.strip() for line in lines if line.strip())


def choose_own(photos: Path, annotations: Path, base: Sequence[str] | None, novel: Sequence[str]) -> OwnData:
    """Check photos, annotations and names; without `base`, all names that are not novel are base names.

    Raises DataError for a folder or file that cannot be used or a base name that the file does not have,
    InputError for lists that make no split.
    """
    if not os.path.isdir(photos):
        raise DataError(f"{photos} is not a folder: give the one that holds the photos")
    categories = CocoFile(annotations).categories()
    known = [category.name for category in categories]
    rest = [name for name in known if name not in novel] if base is None else base
    split = Split("own", tuple(rest), tuple(novel))
    check_base(split.base, categories, annotations)
    return OwnData(photos, annotations, split)


def hold_out(path: Path) -> dict[str, dict[str, Any]]:
    """Split the file's content into `train` and `val`, each photo with its boxes in one of them.

    The choice depends on a digest of the photo's id only, never on annotations.
    Raises DataError when the file is not a COCO file or lists a single photo.
    """
    ids = read_photos(CocoFile(path)).ids.tolist()
    if len(ids) < 2:
        raise DataError(f"{path} lists one photo: give at least two, one of them for validation")
    drawn = sorted(ids, key=lambda number: hashlib.sha256(str(number).encode()).digest())
    held = set(drawn[: max(1, len(ids) // HELD_OUT)])
    tree = load_json(path, hook=dict)
    images, boxes = (
        [row.values for row in table(tree, key, key[:-1], path)] for key in ("images", "annotations")
    )
    return {
        "train": {
            **tree,
            "images": [image for image in images if image["id"] not in held],
            "annotations": [box for box in boxes if box.get("image_id") not in held],
        },
        "val": {
            **tree,
            "images": [image for image in images if image["id"] in held],
            "annotations": [box for box in boxes if box.get("image_id") in held],
        },
    }


def write_own(parts: Mapping[str, Mapping[str, Any]], root: Path) -> None:
    """Write the two parts of `hold_out` below `root`, the folder of the params."""
    for which, tree in parts.items():
        compact = json.dumps(tree, separators=(",", ":"), ensure_ascii=False)
        write_bytes_atomic(root / FILES[which], compact.encode())


def own_params(own: OwnData, schedule: str | None) -> str:
    """Text of `params.yaml` for the files of `write_own`; raises ParamsError for an unknown schedule."""
    data: dict[str, Any] = {
        "format": "coco",
        "split": {"base": list(own.split.base), "novel": list(own.split.novel)},
        "world": None,
    }
    for which, path in FILES.items():
        data |= {f"{which}_photos": own.photos.as_posix(), f"{which}_annotations": path}
    section = yaml.safe_dump({"data": data}, sort_keys=False, allow_unicode=True)
    _, others = preset_text(PRESET, schedule).split("\nteacher:\n", 1)
    text = f"# Own data with the paper's recipe, without masks.\n{section}\nteacher:\n{others}"
    parse_params(text)
    return text
