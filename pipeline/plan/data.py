"""Counts a data set from its annotations, or a drawn one from a few of its scenes; reads no photo."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ezsd.pipeline.data.novel import read_training_for
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.data.tables import Boxes
from ezsd.pipeline.data.views import clean_training_boxes, read_validation_photos
from ezsd.pipeline.data.world.annotations import likely_base
from ezsd.pipeline.data.world.drawing import VARIANTS, encode_jpeg
from ezsd.pipeline.data.world.scenes import Scene, draw_scene
from ezsd.pipeline.params import OwnSplit, Params
from ezsd.pipeline.params.sections import WorldParams
from ezsd.pipeline.plan.counts import Amounts, count_amounts
from ezsd.split import BUILTIN_SPLITS, builtin_split

SCENES = 16
"""Scenes that stand for all of a drawn data set."""


@dataclass(frozen=True)
class DataSet:
    """What a plan knows of the data.

    Attributes:
        amounts: its counts.
        photo_bytes: size of a photo that `prepare` draws; 0 for photos from files.
    """

    amounts: Amounts
    photo_bytes: int = 0


def read_data(params: Params, root: Path) -> DataSet:
    """Count the data set of the params. Raises DataError when the annotations are unusable."""
    if params.data.world is not None:
        return _drawn(params, params.data.world)
    sources = resolve_sources(params.data, root, Path())
    training = read_training_for(params.prepare, sources, params.data.split)
    clean = clean_training_boxes(training).boxes
    photos = training.photos
    if params.prepare.empty_photos == "drop":
        photos = photos.take(np.flatnonzero(np.isin(photos.ids, clean.image_ids)))
    val_photos = len(read_validation_photos(sources, training.split))
    labels = labels_by_photo(clean.objects(), photos.ids)
    return DataSet(count_amounts(labels, photos.sizes_wh, val_photos, len(training.split.labelled), params))


def labels_by_photo(boxes: Boxes, image_ids: NDArray[np.int64]) -> Sequence[torch.Tensor]:
    """Labels of each photo's boxes, int64 (n,)."""
    order = np.argsort(boxes.image_ids, kind="stable")
    labels, owners = boxes.labels[order].astype(np.int64), boxes.image_ids[order]
    starts, stops = (np.searchsorted(owners, image_ids, side=side) for side in ("left", "right"))
    return [torch.from_numpy(labels[start:stop]) for start, stop in zip(starts, stops, strict=True)]


def draw_one(params: Params, index: int) -> Scene:
    """Draw a training scene of the embedded world."""
    assert params.data.world is not None
    form = "lvis" if params.data.format == "lvis" else "coco"
    return draw_scene(params.data.world.seed, "train", index, VARIANTS[form].vocabulary)


def _drawn(params: Params, world: WorldParams) -> DataSet:
    names = _base_names(params, world)
    labels, sizes_wh, sizes = list[torch.Tensor](), list[tuple[int, int]](), list[int]()
    for index in range(SCENES):
        scene = draw_one(params, index)
        shown = [one.category for one in scene.objects if not one.crowd]
        found = [names.index(name) for name in shown if name in names]
        labels.append(torch.tensor(found, dtype=torch.int64))
        sizes_wh.append((scene.image.shape[1], scene.image.shape[0]))
        sizes.append(len(encode_jpeg(scene.image)))
    sample = count_amounts(labels, np.array(sizes_wh, np.int32), world.val, len(names), params)
    amounts = sample.times(world.train / SCENES, world.train, world.val)
    return DataSet(amounts, sum(sizes) // SCENES)


def _base_names(params: Params, world: WorldParams) -> Sequence[str]:
    split = params.data.split
    if isinstance(split, OwnSplit):
        return split.base
    return builtin_split(split).base if split in BUILTIN_SPLITS else likely_base(world.train)
