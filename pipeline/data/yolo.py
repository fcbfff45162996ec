"""YOLO's folders: a `data.yaml`, photos below `images/`, and a text file for each below `labels/`."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from ezsd.pipeline.data.checks import check_categories
from ezsd.pipeline.data.tables import Boxes, Category, Photos, Searched, boxes_from_rows, photos_from_rows
from ezsd.pipeline.errors import DataError, show
from ezsd.pipeline.params.tree import load_yaml

BOX, SCORED_BOX, LEAST_POLYGON = 5, 6, 7
"""Numbers on a line: class and box, with a confidence, or class and a polygon of three corners."""

Label = tuple[int, tuple[float, float, float, float]]
"""Class, and box xyxy as fractions of the photo's sides."""


class _Photo(NamedTuple):
    name: str
    size_wh: tuple[int, int]
    labels: tuple[Label, ...]


class YoloFolder:
    """A data set that a `data.yaml` describes.

    A photo's id is its place, from 1, among the training photos and then the validation photos; a box's is
    its place among all lines of labels. Polygons are read as their boxes, and confidences are ignored.
    """

    def __init__(self, path: Path, root: Path | None = None) -> None:
        """Read `data.yaml`.

        Args:
            path: the file.
            root: folder of the data set, instead of the file's `path`.

        Raises:
            DataError: the file is no `data.yaml`, or names photos outside the folder.
        """
        self.path, self._tree = path, _read_yaml(path)
        self.root = root or _inside(path.parent, str(self._tree.get("path") or "."), path)
        self._categories = _categories(self._tree.get("names"), path)
        self._train = self._list("train")
        self._val = [name for name in self._list("val") if name not in set(self._train)]

    def categories(self) -> tuple[Category, ...]:
        """Return the names in the order of their numbers."""
        return self._categories

    def photos(self) -> Photos:
        """Return all photos; raises DataError if one cannot be opened or its labels are malformed."""
        return photos_from_rows(
            [(number, photo.name, *photo.size_wh) for number, photo in enumerate(self._photos, start=1)]
        )

    def boxes(self, names: Sequence[str]) -> Boxes:
        """Return the boxes of `names`."""
        index = {name: label for label, name in enumerate(names)}
        wanted = {one.id: index[one.name] for one in self._categories if one.name in index}
        rows, number = [], 0
        for image_id, photo in enumerate(self._photos, start=1):
            for category_id, fractions in photo.labels:
                number += 1
                if category_id in wanted:
                    box = tuple(f * side for f, side in zip(fractions, photo.size_wh * 2, strict=True))
                    area = (box[2] - box[0]) * (box[3] - box[1])
                    rows.append((number, image_id, wanted[category_id], box, area, False))
        return boxes_from_rows(rows)

    def searched(self) -> Mapping[int, Searched]:
        """Return nothing: all photos were searched for all names."""
        return {}

    def validation_ids(self) -> frozenset[int]:
        """Return the ids of the photos of `val` that are not in `train` too."""
        first = len(self._train) + 1
        return frozenset(range(first, first + len(self._val)))

    @cached_property
    def _photos(self) -> tuple[_Photo, ...]:
        known = {category.id for category in self._categories}
        return tuple(self._photo(name, known) for name in [*self._train, *self._val])

    def _photo(self, name: str, known: set[int]) -> _Photo:
        from ezsd.photos import read_size  # torch is slow to import, and other formats need none

        labels = self.root / _labels_of(name)
        return _Photo(name, read_size(self.root / name), tuple(_read_labels(labels, known, self.path)))

    def _list(self, key: str) -> list[str]:
        """Return the photos of a set relative to the root, sorted by folder and name."""
        entries = self._tree.get(key) or []
        names = [
            name
            for entry in (entries if isinstance(entries, list) else [entries])
            for name in self._photos_at(_inside(self.root, str(entry), self.path))
        ]
        return list(dict.fromkeys(names))

    def _photos_at(self, place: Path) -> Iterator[str]:
        from ezsd.photos import SUFFIXES

        if place.is_dir():
            found = (path for path in sorted(place.rglob("*")) if path.suffix.lower() in SUFFIXES)
            yield from (path.relative_to(self.root).as_posix() for path in found)
        elif place.suffix == ".txt" and place.is_file():
            for line in _lines(place):
                yield _inside(self.root, line, place).relative_to(self.root).as_posix()
        else:
            raise DataError(
                f"{self.path} names {place}, which is no folder or list of photos: correct it there"
            )


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        tree = load_yaml(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DataError(f"{path} does not exist: give the data.yaml of a YOLO folder") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as YAML ({error}): correct it") from None
    if not isinstance(tree, dict) or not tree.get("names") or not tree.get("train"):
        raise DataError(f"{path} has no `names` or no `train`: give the data.yaml of a YOLO folder")
    return tree


def _categories(names: Any, path: Path) -> tuple[Category, ...]:
    """Return the names, which a `data.yaml` lists or numbers."""
    numbered = dict(enumerate(names)) if isinstance(names, list) else names
    if not isinstance(numbered, dict) or not all(type(number) is int for number in numbered):
        raise DataError(f"{path}: names is {show(names)}, not a list of names: correct it there")
    categories = tuple(Category(number, str(numbered[number]).strip()) for number in sorted(numbered))
    check_categories(categories, path)
    return categories


def _inside(root: Path, entry: str, named_by: Path) -> Path:
    """Return `root / entry`, which must be below `root`; tools write `../train` where they mean `train`."""
    for place in (root / entry, root / entry.removeprefix("../")):
        if place.exists() and place.resolve().is_relative_to(root.resolve()):
            return root.resolve() / place.resolve().relative_to(root.resolve())
    raise DataError(
        f"{named_by} names {entry!r}, which is not in {root}: correct it there, or give the folder of the "
        "data set with --photos"
    )


def _labels_of(name: str) -> PurePosixPath:
    """`images/train/a.jpg` -> `labels/train/a.txt`; labels stand beside photos that are in no `images`."""
    parts = list(PurePosixPath(name).with_suffix(".txt").parts)
    folders = [place for place, part in enumerate(parts[:-1]) if part == "images"]
    if folders:
        parts[folders[-1]] = "labels"
    return PurePosixPath(*parts)


def _read_labels(path: Path, known: set[int], named_by: Path) -> Iterator[Label]:
    """Yield the labels of a photo; a photo without a file shows nothing."""
    if not path.is_file():
        return
    for number, line in enumerate(_lines(path), start=1):
        try:
            values = [float(word) for word in line.split()]
        except ValueError:
            values = []
        if not _is_label(values):
            raise DataError(
                f"{path}, label {number}: {show(line)} is neither `class x y width height` nor a class and a "
                "polygon; correct it there"
            )
        if values[0] not in known:
            raise DataError(
                f"{path}, label {number}: class {values[0]:g} is none of the {len(known)} names of "
                f"{named_by}; correct it there"
            )
        yield int(values[0]), _fractions(values)


def _is_label(values: Sequence[float]) -> bool:
    return len(values) in (BOX, SCORED_BOX) or (len(values) >= LEAST_POLYGON and len(values) % 2 == 1)


def _fractions(values: Sequence[float]) -> tuple[float, float, float, float]:
    """Return the box xyxy of a label, as fractions of the photo's sides."""
    if len(values) in (BOX, SCORED_BOX):
        x, y, width, height = values[1:BOX]
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2
    return min(values[1::2]), min(values[2::2]), max(values[1::2]), max(values[2::2])


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({error}): write it again") from None
