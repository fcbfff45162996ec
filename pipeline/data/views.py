"""The split, and the three views of the data.

Training sees base boxes, validation sees photos, and evaluation alone sees everything. Each view names its
categories before a box is read, so no novel box can be used by mistake.
"""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ezsd.pipeline.data.checks import (
    TRAINING_MIN_SIDE,
    CleanBoxes,
    check_has_boxes,
    check_image_ids,
    clean_boxes,
    read_boxes,
    read_photos,
)
from ezsd.pipeline.data.sources import DataSource, DataSources, Which
from ezsd.pipeline.data.tables import AnnotationFile, Boxes, Category, Photos, Searched
from ezsd.pipeline.errors import DataError
from ezsd.pipeline.params import OwnSplit
from ezsd.split import BUILTIN_SPLITS, Split, builtin_split

LVIS_SPLITS = {"lvis_866_337": "fc", "lvis_405_798": "f", "world_long_tail": "fc"}
"""Base frequencies of each split. In LVIS v1, 337 names are rare, 461 common and 405 frequent.

`world_long_tail` is the split of the embedded world's long tail, whose counts differ.
"""


@dataclass(frozen=True)
class TrainingData:
    """What training may see.

    Attributes:
        split: base and novel names.
        photos: all photos of the training file.
        boxes: base boxes; with shots, novel ones too. Labels index `split.labelled`.
    """

    split: Split
    photos: Photos
    boxes: Boxes


@dataclass(frozen=True)
class FullAnnotations:
    """All boxes of a split's names, novel ones included, for evaluation.

    Attributes:
        photos: all photos of the file.
        clean: usable boxes; labels index `split.names`.
        categories: of the split's names; the file's own, or numbered after them if the file has none.
        searched: which names each photo was searched for, by image id; empty if for all names.
    """

    photos: Photos
    clean: CleanBoxes
    categories: Mapping[str, Category]
    searched: Mapping[int, Searched]


def choose_split(choice: str | OwnSplit, categories: Sequence[Category], path: Path) -> Split:
    """Return the split that `data.split` names.

    Args:
        choice: name of a split, or the user's own lists.
        categories: those of the training file.
        path: the training file, for messages.

    Raises:
        DataError: there is no split of this name.
        InputError: the lists make no split.
    """
    if isinstance(choice, OwnSplit):
        return Split("own", choice.base, choice.novel)
    if choice in LVIS_SPLITS:
        return _frequency_split(choice, categories, path)
    if choice not in BUILTIN_SPLITS:
        known = (*BUILTIN_SPLITS, *LVIS_SPLITS)
        raise DataError(
            f"data.split: there is no split {choice!r}{did_you_mean(choice, known)}; choose one of "
            f"{', '.join(known)}, or list base and novel names"
        )
    return builtin_split(choice)


def check_base(names: Sequence[str], categories: Sequence[Category], path: Path) -> None:
    """Refuse a base name that is no category of `path`; the message proposes the closest one.

    Novel names need no category: a name without a single annotation is what the method is for.
    """
    known = [category.name for category in categories]
    unknown = [name for name in names if name not in set(known)]
    if unknown:
        more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        raise DataError(
            f"data.split: {unknown[0]!r}{more} is none of the {len(known)} categories of {path}"
            f"{did_you_mean(unknown[0], known)}; correct the name or the annotations"
        )


def read_split(sources: DataSources, choice: str | OwnSplit) -> Split:
    """Return the split alone; raises like `read_training`."""
    file = sources.train.open()
    return choose_split(choice, file.categories(), file.path)


def read_training(sources: DataSources, choice: str | OwnSplit) -> TrainingData:
    """Return the split and the base view of the training annotations.

    Raises:
        DataError: the annotations cannot be used, or do not fit the split.
        InputError: the lists of names make no split.
    """
    file = sources.train.open()
    categories = file.categories()
    split = choose_split(choice, categories, file.path)
    check_base(split.base, categories, file.path)
    photos, boxes = _annotated(file, split.base)
    check_has_boxes(boxes, file.path)
    return TrainingData(split, photos, boxes)


def read_validation_photos(sources: DataSources, split: Split) -> Photos:
    """Return the validation photos without reading an annotation.

    Raises:
        DataError: the file is unusable, or lacks a base name.
    """
    file = sources.val.open()
    check_base(split.base, file.categories(), file.path)
    return read_photos(file)


def read_full_annotations(sources: DataSources, which: Which, split: Split) -> FullAnnotations:
    """Return the boxes of base and novel names. For evaluation only; none of it may influence training.

    Boxes are clipped as in training but kept however small, as in COCO's own evaluation.

    Raises:
        DataError: the annotations cannot be used.
    """
    file = sources.of(which).open()
    categories = _complete(file.categories(), split.names)
    photos, boxes = _annotated(file, split.names)
    return FullAnnotations(photos, clean_boxes(boxes, photos, min_side=0), categories, file.searched())


def _complete(categories: Sequence[Category], names: Sequence[str]) -> dict[str, Category]:
    """Return a category for each name; those that the file lacks get ids after its largest."""
    known = {category.name: category for category in categories}
    first = max((category.id for category in categories), default=0) + 1
    lacking = [name for name in names if name not in known]
    known |= {name: Category(number, name) for number, name in enumerate(lacking, start=first)}
    return {name: known[name] for name in names}


def read_all_boxes(source: DataSource, split: Split) -> Boxes:
    """Return the boxes of base and novel names as the file has them; labels index `split.names`."""
    return _annotated(source.open(), split.names)[1]


def clean_training_boxes(data: TrainingData) -> CleanBoxes:
    """Return the boxes that are large enough to crop."""
    return clean_boxes(data.boxes, data.photos, TRAINING_MIN_SIDE)


def _annotated(file: AnnotationFile, names: tuple[str, ...]) -> tuple[Photos, Boxes]:
    photos, boxes = read_photos(file), read_boxes(file, names)
    check_image_ids(boxes, photos, file.path)
    return photos, boxes


def _frequency_split(name: str, categories: Sequence[Category], path: Path) -> Split:
    """Return one of `LVIS_SPLITS`, each side in the order of category ids.

    Raises:
        DataError: the categories of `path` have no frequency.
        InputError: all categories fall on one side.
    """
    in_order = sorted(categories, key=lambda category: category.id)
    if not all(category.frequency for category in in_order):
        raise DataError(f"{path}: its categories have no 'frequency', which split {name!r} needs: "
                        "set data.format to lvis and give LVIS v1 annotations")  # fmt: skip
    base = tuple(category.name for category in in_order if category.frequency in LVIS_SPLITS[name])
    novel = tuple(category.name for category in in_order if category.frequency not in LVIS_SPLITS[name])
    return Split(name, base, novel)


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return `, did you mean 'spoon'?` for a name close to a known one, else nothing."""
    close = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {close[0]!r}?" if close else ""
