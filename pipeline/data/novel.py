"""What training sees of novel objects if the params ask for it; by default, none of them is read."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ezsd.pipeline.data.checks import TRAINING_MIN_SIDE, clean_boxes
from ezsd.pipeline.data.sources import DataSources
from ezsd.pipeline.data.tables import Boxes
from ezsd.pipeline.data.views import TrainingData, read_all_boxes, read_training
from ezsd.pipeline.errors import DataError
from ezsd.pipeline.params import NovelShots, OwnSplit, PrepareParams


def read_training_for(params: PrepareParams, sources: DataSources, choice: str | OwnSplit) -> TrainingData:
    """Read the training data with novel shots, or without photos of other novel objects, as the params ask.

    Raises:
        DataError: like `read_training`, or no base box is left.
        InputError: like `read_training`.
    """
    training = read_training(sources, choice)
    if params.novel_shots is None and params.novel_images == "keep":
        return training
    everything = replace(training, boxes=read_all_boxes(sources.train, training.split))
    shots = (
        np.zeros(len(everything.boxes), bool)
        if params.novel_shots is None
        else _choose(everything, params.novel_shots)
    )
    return _without_others(everything, shots, params)


def _choose(everything: TrainingData, asked: NovelShots) -> NDArray[np.bool_]:
    """Return which boxes are shots, (M,) bool: `per_name` usable ones of each novel name, or all it has."""
    boxes = everything.boxes
    usable = clean_boxes(boxes, everything.photos, TRAINING_MIN_SIDE).boxes.objects()
    chosen = [
        _draw(np.sort(usable.annotation_ids[usable.labels == label]), asked, label)
        for label in range(len(everything.split.base), len(everything.split.names))
    ]
    return np.isin(boxes.annotation_ids, np.concatenate(chosen))


def _draw(ids: NDArray[np.int64], asked: NovelShots, label: int) -> NDArray[np.int64]:
    generator = np.random.default_rng([asked.seed, label])
    return generator.permutation(ids)[: asked.per_name]


def _without_others(
    everything: TrainingData, shots: NDArray[np.bool_], params: PrepareParams
) -> TrainingData:
    """Keep base boxes and shots; `novel_images: drop` leaves out photos with novel objects but no shot."""
    boxes, base = everything.boxes, len(everything.split.base)
    kept = (boxes.labels < base) | shots
    photos = everything.photos
    split = replace(
        everything.split,
        shots=params.novel_shots.per_name if params.novel_shots else 0,
        novel_photos=params.novel_images == "keep",
    )
    if params.novel_images == "drop":
        shown = np.setdiff1d(boxes.image_ids[boxes.labels >= base], boxes.image_ids[shots])
        photos = photos.take(np.flatnonzero(~np.isin(photos.ids, shown)))
        kept &= ~np.isin(boxes.image_ids, shown)
    left = boxes.take(kept)
    _check_base(left, base)
    return TrainingData(split, photos, left)


def _check_base(boxes: Boxes, base: int) -> None:
    if not (boxes.labels < base).any():
        raise DataError(
            "no base box is left in photos without novel objects: set prepare.novel_images to keep"
        )
