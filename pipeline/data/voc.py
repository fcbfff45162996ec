"""PASCAL VOC: a list of photos in `ImageSets/Main`, and one XML file a photo in `Annotations`."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

from ezsd.pipeline.data.tables import Boxes, Category, Photos, Searched, boxes_from_rows, photos_from_rows
from ezsd.pipeline.errors import DataError, show
from ezsd.split import builtin_split

VOC_NAMES = tuple(sorted(builtin_split("voc_15_5_1").names))


@dataclass(frozen=True)
class _Object:
    name: str
    element: ElementTree.Element


@dataclass(frozen=True)
class _Photo:
    path: Path
    file_name: str
    size_wh: tuple[int, int]
    objects: tuple[_Object, ...]


class XmlFolder:
    """A folder of XML files in VOC's form, one for each photo.

    They have no ids. A photo's id is its place among the files, counted from 1; an object's is its photo's
    times 1,000 plus its position, from 1, among the objects of the chosen names. Difficult objects count as
    crowd, since evaluation ignores both.
    """

    def __init__(self, path: Path) -> None:
        """List the files by name; raises DataError if there is none."""
        self.path = self._annotations = path
        self._stems = sorted(file.stem for file in path.glob("*.xml"))
        if not self._stems:
            raise DataError(f"{path} holds no XML file: give the folder that does")

    def categories(self) -> tuple[Category, ...]:
        """Return all names that occur, in alphabetical order, numbered from 1."""
        return tuple(Category(number, name) for number, name in enumerate(sorted(self._names()), start=1))

    def _names(self) -> set[str]:
        return {thing.name for photo in self._photos for thing in photo.objects}

    def photos(self) -> Photos:
        """Return the photos as listed; raises DataError if one is malformed."""
        return photos_from_rows(
            [(number, photo.file_name, *photo.size_wh) for number, photo in enumerate(self._photos, start=1)]
        )

    def boxes(self, names: Sequence[str]) -> Boxes:
        """Return the boxes of `names`; only the name of other objects is read."""
        index = {name: label for label, name in enumerate(names)}
        rows = []
        for image_id, photo in enumerate(self._photos, start=1):
            wanted = [thing for thing in photo.objects if thing.name in index]
            for place, thing in enumerate(wanted, start=1):
                box, difficult = _box(photo.path, thing)
                area = (box[2] - box[0]) * (box[3] - box[1])
                rows.append((image_id * 1000 + place, image_id, index[thing.name], box, area, difficult))
        return boxes_from_rows(rows)

    def searched(self) -> Mapping[int, Searched]:
        """Return nothing: VOC's photos were searched for all categories."""
        return {}

    @cached_property
    def _photos(self) -> tuple[_Photo, ...]:
        return tuple(_read_xml(self._annotations / f"{stem}.xml") for stem in self._stems)


class VocFolder(XmlFolder):
    """A VOC folder, opened by a list of its photos such as `ImageSets/Main/trainval.txt`."""

    def __init__(self, path: Path) -> None:
        """Read the list; raises DataError if it is missing, empty or outside a VOC folder."""
        self.path = path
        self._annotations = path.parent.parent.parent / "Annotations"
        self._stems = _read_list(path)
        if not os.path.isdir(self._annotations):
            raise DataError(
                f"{self._annotations} does not exist: {path} must be in ImageSets/Main of a VOC folder, "
                "which has its XML files in Annotations"
            )

    def _names(self) -> set[str]:
        """Return VOC's 20 names and all others that occur."""
        return super()._names() | set(VOC_NAMES)


def _read_list(path: Path) -> list[str]:
    """Return the first word of each line; VOC's lists of one class have a second."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise DataError(f"{path} does not exist: correct the path of the photo list in params") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a list of photos ({error})") from None
    stems = [line.split()[0] for line in lines if line.strip()]
    if not stems:
        raise DataError(f"{path} lists no photo: give a list with one name a line")
    for stem in stems:
        if "/" in stem:
            raise DataError(f"{path}: {stem!r} is a path; list the bare name of its XML file")
    return stems


def _read_xml(path: Path) -> _Photo:
    try:
        root = ElementTree.parse(path).getroot()
    except FileNotFoundError:
        raise DataError(
            f"{path} does not exist, though the list of photos names it: add it or unlist it"
        ) from None
    except (ElementTree.ParseError, OSError, ValueError, LookupError) as error:
        # expat itself stops entities that expand without end, and reads no external entity
        raise DataError(f"{path} is broken XML ({error}): fetch or write it again") from None
    size_wh = (_side(path, root, "size/width"), _side(path, root, "size/height"))
    objects = tuple(_Object(_text(path, thing, "name"), thing) for thing in root.findall("object"))
    if len(objects) >= 1000:
        raise DataError(f"{path} holds {len(objects)} objects: at most 999 a photo are read")
    return _Photo(path, _text(path, root, "filename"), size_wh, objects)


def _box(path: Path, thing: _Object) -> tuple[tuple[float, ...], bool]:
    """Return box and difficulty. VOC's corners are inclusive pixels from 1; ours are edges from 0."""
    left, top, right, bottom = (
        _number(path, thing.element, f"bndbox/{key}", f"a {thing.name}")
        for key in ("xmin", "ymin", "xmax", "ymax")
    )
    difficult = (thing.element.findtext("difficult") or "0").strip() == "1"
    return (left - 1, top - 1, right, bottom), difficult


def _side(path: Path, root: ElementTree.Element, key: str) -> int:
    side = _number(path, root, key, "the photo")
    if not (math.isfinite(side) and side == int(side) and 1 <= side < 2**31):
        raise DataError(f"{path}: {key} is {side:g}, not a size in pixels; correct it there")
    return int(side)


def _number(path: Path, parent: ElementTree.Element, key: str, owner: str) -> float:
    text = (parent.findtext(key) or "").strip()
    try:
        return float(text)
    except ValueError:
        raise DataError(f"{path}: {key} of {owner} is {show(text)}, not a number; correct it there") from None


def _text(path: Path, parent: ElementTree.Element, key: str) -> str:
    text = (parent.findtext(key) or "").strip()
    if not text:
        raise DataError(f"{path}: <{parent.tag}> has no <{key}>; add it there")
    return text
