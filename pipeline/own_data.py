"""A user's own data: annotations in any common form and two lists of names become a params file."""

import json
import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ezsd.cache.atomic import write_bytes_atomic
from ezsd.pipeline.data.coco import CocoFile
from ezsd.pipeline.data.tables import AnnotationFile
from ezsd.pipeline.data.views import check_base
from ezsd.pipeline.errors import DataError
from ezsd.pipeline.fit import Tree, fit_to_photos
from ezsd.pipeline.hold_out import Division
from ezsd.pipeline.params import parse_params, preset_text
from ezsd.split import Split

FILES = {which: f"datasets/own/{which}.json" for which in ("train", "val")}
"""Paths of the two parts of the annotations, relative to the folder of the params."""
PRESET = "voc"
"""Own data use the VOC recipe: the paper's for boxes, without masks."""

_COMMENT = re.compile(r"^#.*|\s#\s.*$")
_FILE = re.compile(r"^(\.{0,2}/|~|[a-zA-Z]:\\).*|[^,\s]+\.(txt|names|list|lst|csv|tsv)$")
"""What is meant as a file of names rather than as names."""


@dataclass(frozen=True)
class OwnData:
    """A user's photos, their annotations, and the split.

    Attributes:
        photos: folder of the photos.
        file: the annotations.
        split: base and novel names.
        held: ids of the validation photos if the annotations name them.
    """

    photos: Path
    file: AnnotationFile
    split: Split
    held: Collection[int] = ()


def read_names(given: str) -> tuple[str, ...]:
    """Names from a text file, one per line, or from a comma-separated text.

    Empty lines and comments (`# ...`) of a file are skipped.

    Raises:
        DataError: the file does not exist or is no text.
    """
    path = Path(given).expanduser()
    if not os.path.isfile(path):
        if _FILE.match(given.strip()):
            raise DataError(
                f"{given} does not exist: give a file with one name a line, or names separated by commas"
            )
        return _stripped(given.split(","))
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a list of names ({error})") from None
    return _stripped([_COMMENT.sub("", line.strip()) for line in lines])


def choose_own(
    photos: Path | None, annotations: Path, base: Sequence[str] | None, novel: Sequence[str]
) -> OwnData:
    """Check photos, annotations and names; without `base`, all names that are not novel are base names.

    Args:
        photos: folder of the photos; a YOLO folder knows its own.
        annotations: a COCO file, a YOLO `data.yaml` or its folder, or a folder of VOC's XML files.
        base: base names, all of them categories of the annotations.
        novel: novel names, with or without annotations.

    Raises:
        DataError: a folder or file cannot be used, or lacks a base name.
        InputError: the lists make no split.
    """
    if photos is not None and not os.path.isdir(photos):
        raise DataError(f"{photos} is not a folder: give the one that holds the photos")
    file, folder, held = _open(photos, annotations)
    categories = file.categories()
    known = [category.name for category in categories]
    rest = [name for name in known if name not in novel] if base is None else base
    split = Split("own", tuple(rest), tuple(novel))
    check_base(split.base, categories, annotations)
    return OwnData(folder, file, split, held)


def _open(photos: Path | None, annotations: Path) -> tuple[AnnotationFile, Path, Collection[int]]:
    """Return reader, photo folder and, where the annotations name them, ids of validation photos."""
    described = annotations / "data.yaml" if annotations.is_dir() else annotations
    if described.suffix in (".yaml", ".yml") and (described.is_file() or not annotations.is_dir()):
        # the reader is imported here, as that of XML: a COCO file needs neither
        from ezsd.pipeline.data.yolo import YoloFolder

        yolo = YoloFolder(described, photos)
        return yolo, yolo.root, yolo.validation_ids()
    if photos is None:
        raise DataError(f"{annotations} does not say where the photos are: give their folder with --photos")
    if annotations.is_dir():
        from ezsd.pipeline.data.voc import XmlFolder

        inner = annotations / "Annotations"
        return XmlFolder(inner if inner.is_dir() else annotations), photos, ()
    return CocoFile(annotations), photos, ()


def write_own(division: Division, root: Path) -> None:
    """Write the two parts below `root`, the folder of the params."""
    for which, path in FILES.items():
        compact = json.dumps(getattr(division, which), separators=(",", ":"), ensure_ascii=False)
        write_bytes_atomic(root / path, compact.encode())


@dataclass(frozen=True)
class Shown:
    """What training sees: the number of photos with base boxes, and of base names in them."""

    photos: int
    names: int

    @staticmethod
    def of(own: OwnData, division: Division) -> "Shown":
        """Count the training part of a division. Raises DataError when it has no base box."""
        base = {one["id"] for one in division.train["categories"] if one["name"] in own.split.base}
        boxes = [(box["image_id"], box.get("category_id")) for box in division.train["annotations"]]
        shown = [(photo, name) for photo, name in boxes if name in base]
        if not shown:
            raise DataError(f"{own.file.path} has no base box on the training photos: nothing to learn from")
        return Shown(len({photo for photo, _ in shown}), len({name for _, name in shown}))


def own_params(own: OwnData, schedule: str | None, shown: "Shown") -> Tree:
    """Plain params for the files of `write_own`, of which training sees `shown`.

    Raises ParamsError for an unknown schedule.
    """
    data: dict[str, Any] = {
        "format": "coco",
        "split": {"base": list(own.split.base), "novel": list(own.split.novel)},
        "world": None,
    }
    for which, path in FILES.items():
        data |= {f"{which}_photos": own.photos.as_posix(), f"{which}_annotations": path}
    tree = yaml.safe_load(preset_text(PRESET, schedule))
    tree = fit_to_photos(tree, shown.photos, shown.names, longer=schedule is None)
    return tree | {"data": data}


def own_text(tree: Tree, photos: int) -> str:
    """Text of `params.yaml` of plain params, for that number of photos with base boxes."""
    text = yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    parse_params(text)
    return f"# Own data with the paper's recipe, without masks, for {photos} photos with base boxes.\n{text}"


class _Dumper(yaml.SafeDumper):
    """Writes lists in one line, as the presets do."""


_Dumper.add_representer(
    list, lambda dumper, values: dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=True)
)


def _stripped(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(text.strip() for text in texts if text.strip())
