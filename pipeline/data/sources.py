"""Where photos and annotations are, and the three views that the pipeline has of them.

Training sees base boxes, validation sees photos, and evaluation alone sees everything. Each view names the
categories it wants before a single box is read, so there is no moment at which a novel box could be used.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal

from ezsd.pipeline.data.checks import check_has_boxes, check_image_ids
from ezsd.pipeline.data.cleaning import TRAINING_MIN_SIDE, CleanBoxes, clean_boxes
from ezsd.pipeline.data.photos import PhotoFolder
from ezsd.pipeline.data.splits import check_names, choose_split
from ezsd.pipeline.data.tables import AnnotationFile, Boxes, Category, Photos, Searched
from ezsd.pipeline.errors import DataError
from ezsd.pipeline.params import DataParams, OwnSplit
from ezsd.split import Split

Which = Literal["train", "val"]
SETS: tuple[Which, ...] = ("train", "val")

_READERS = {"coco": "CocoFile", "lvis": "LvisFile", "voc": "VocFolder"}
"""Imported when a file is opened: the reader of another format decides no byte (`pipeline/graph.py`)."""


@dataclass(frozen=True)
class DataSource:
    """One set of photos and the annotations that list them; `drawn` if the pipeline itself made them."""

    photos: Path
    annotations: Path
    format: Literal["coco", "lvis", "voc"]
    drawn: bool = False

    def folder(self) -> PhotoFolder:
        """Return the reader of the photos; raises DataError when there is no such folder."""
        if not os.path.isdir(self.photos):
            raise DataError(
                f"photo folder {self.photos} does not exist: correct its path in the data section of params"
            )
        return PhotoFolder(self.photos, follow_links=self.drawn)

    def open(self) -> AnnotationFile:
        """Return the annotations, unread but for their outer form; raises DataError when they are broken."""
        reader = import_module(f"ezsd.pipeline.data.{self.format}")
        file: AnnotationFile = getattr(reader, _READERS[self.format])(self.annotations)
        return file


@dataclass(frozen=True)
class DataSources:
    """Training and validation data."""

    train: DataSource
    val: DataSource

    def of(self, which: Which) -> DataSource:
        """Return one of the two."""
        return self.train if which == "train" else self.val


@dataclass(frozen=True)
class TrainingData:
    """The split, training photos, and base boxes, with shots novel ones; labels index `split.labelled`."""

    split: Split
    photos: Photos
    boxes: Boxes


@dataclass(frozen=True)
class FullAnnotations:
    """All boxes of a split's names, novel ones included, for evaluation.

    Labels of `clean.boxes` index `split.names`; `categories` are the file's own by name. `searched` is what
    each photo was searched for, by image id; empty where each was for all categories.
    """

    photos: Photos
    clean: CleanBoxes
    categories: Mapping[str, Category]
    searched: Mapping[int, Searched]


def resolve_sources(data: DataParams, root: Path, prepare_folder: Path) -> DataSources:
    """Return where the data are.

    `root`: the folder of `params.yaml`, at which relative paths start. `prepare_folder`: the output of
    `prepare`, in which the embedded world is drawn.
    """
    if data.format == "world" or data.world is not None:
        train, val = (_drawn(data.format, which, prepare_folder / "world") for which in SETS)
        return DataSources(train, val)
    train = DataSource(root / str(data.train_photos), root / str(data.train_annotations), data.format)
    val = DataSource(root / str(data.val_photos), root / str(data.val_annotations), data.format)
    return DataSources(train, val)


def _drawn(form: str, which: Which, world: Path) -> DataSource:
    if form == "lvis":  # which has one folder of photos for both sets
        return DataSource(world, world / "annotations" / f"lvis_v1_{which}.json", "lvis", drawn=True)
    return DataSource(world / which, world / "annotations" / f"instances_{which}.json", "coco", drawn=True)


def read_split(sources: DataSources, choice: str | OwnSplit) -> Split:
    """Return the split alone; raises as `read_training`."""
    file = sources.train.open()
    return choose_split(choice, file.categories(), file.path)


def read_training(sources: DataSources, choice: str | OwnSplit) -> TrainingData:
    """Return the split and the base view of the training annotations.

    Raises DataError (or InputError for the split) for whatever makes them unusable as a whole.
    """
    file = sources.train.open()
    categories = file.categories()
    split = choose_split(choice, categories, file.path)
    check_names(split.base, categories, file.path)
    photos, boxes = _annotated(file, split.base)
    check_has_boxes(boxes, file.path)
    return TrainingData(split, photos, boxes)


def read_validation_photos(sources: DataSources, split: Split) -> Photos:
    """Return the validation photos; no annotation is looked at. Raises DataError for an unknown name."""
    file = sources.val.open()
    check_names(split.names, file.categories(), file.path)
    return file.photos()


def read_full_annotations(sources: DataSources, which: Which, split: Split) -> FullAnnotations:
    """Return the boxes of base and novel names. For evaluation alone: nothing that it decides may train.

    Boxes are clipped as in training, but kept however small, as COCO's own evaluation keeps them.
    Raises DataError for whatever makes the annotations unusable as a whole.
    """
    file = sources.of(which).open()
    categories = {category.name: category for category in file.categories()}
    photos, boxes = _annotated(file, split.names)
    return FullAnnotations(photos, clean_boxes(boxes, photos, min_side=0), categories, file.searched())


def read_all_boxes(source: DataSource, split: Split) -> Boxes:
    """Return the boxes of base and novel names, as the file has them; labels index `split.names`."""
    return _annotated(source.open(), split.names)[1]


def clean_training_boxes(data: TrainingData) -> CleanBoxes:
    """Return the boxes that can be cropped and learned from."""
    return clean_boxes(data.boxes, data.photos, TRAINING_MIN_SIDE)


def _annotated(file: AnnotationFile, names: tuple[str, ...]) -> tuple[Photos, Boxes]:
    photos = file.photos()
    boxes = file.boxes(names)
    check_image_ids(boxes, photos, file.path)
    return photos, boxes
