"""Digests of files outside the project that stages read: photos, annotations and weights.

A stage's digests are part of its fingerprint. They are also computed on every `dvc repro`, so nothing here
imports torch unless the params name a teacher of your own, published weights or masks.
"""

from pathlib import Path
from typing import Any

from ezsd.pipeline.data.digests import annotations_digest, data_digests, masks_digest, split_digest
from ezsd.pipeline.data.novel import read_training_for
from ezsd.pipeline.data.sources import SETS, resolve_sources
from ezsd.pipeline.data.views import clean_training_boxes, read_full_annotations, read_split
from ezsd.pipeline.models.backbone import rpn_backbone, train_backbone
from ezsd.pipeline.models.teacher_source import resolve_teacher, teacher_digests
from ezsd.pipeline.params import OwnSplit, Params
from ezsd.split import BUILTIN_SPLITS, builtin_split


def training_data(params: Params, root: Path) -> dict[str, str]:
    """Of `prepare`: the photos and base boxes. Params, code and split determine the embedded world."""
    if params.data.world is not None:
        return _packaged_split(params.data.split)
    sources = resolve_sources(params.data, root, Path())
    training = read_training_for(params.prepare, sources, params.data.split)
    digests = data_digests(sources, training)
    if params.prepare.masks:
        boxes, names = clean_training_boxes(training).boxes, training.split.labelled
        digests["train_masks"] = masks_digest(sources.train, boxes, training.photos, names)
    return digests


def full_annotations(params: Params, root: Path) -> dict[str, str]:
    """Of `evaluate`: all annotations, novel ones included. `prepare` covers those of the embedded world."""
    if params.data.world is not None:
        return {}
    sources = resolve_sources(params.data, root, Path())
    split = read_split(sources, params.data.split)
    train, val = (read_full_annotations(sources, which, split) for which in SETS)
    digests = {"train_annotations": annotations_digest(train), "val_annotations": annotations_digest(val)}
    if params.prepare.masks:
        digests["val_masks"] = masks_digest(sources.val, val.clean.boxes, val.photos, split.names)
    return digests


def teacher_files(params: Params, root: Path) -> dict[str, Any]:
    """Of `renorm`: the teacher's weights and config."""
    return teacher_digests(resolve_teacher(params.teacher, root))


def miner_files(params: Params, root: Path) -> dict[str, str]:
    """Of `mine`: the backbone's files, where the method trains a network."""
    return rpn_backbone(params.mine.rpn, root).digests() if params.mine.method == "rpn" else {}


def backbone_files(params: Params, root: Path) -> dict[str, str]:
    """Of `train`: the backbone's files."""
    return train_backbone(params.train, root).digests()


def require_weights(params: Params, root: Path) -> None:
    """Ask for the weights of all networks, before hours of other work; published ones are fetched.

    Raises:
        InputError: some are neither here nor to be had.
    """
    resolve_teacher(params.teacher, root)
    train_backbone(params.train, root).require()
    if params.mine.method == "rpn":
        rpn_backbone(params.mine.rpn, root).require()


def _packaged_split(choice: str | OwnSplit) -> dict[str, str]:
    """Digest of a split that is a file of the package; others are in the params or the annotations."""
    if isinstance(choice, str) and choice in BUILTIN_SPLITS:
        return split_digest(builtin_split(choice))
    return {}
