"""Amounts of work from annotations and params alone: photos, boxes, crops and forward passes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ezsd.mining.anchors import anchor_boxes_xyxy, fit_scale
from ezsd.mining.exhaustive import distinct_boxes
from ezsd.pipeline.params import MineParams, Params
from ezsd.renorm.config import RenormConfig
from ezsd.teacher.dense_maps import count_tiles
from ezsd.training.repeats import repeat_factors

FORWARDS_OF_TUNING = 3
"""Cost of a forward and backward pass, in forward passes."""

COMMON_SIZES = 32
"""Number of most frequent photo sizes whose anchors are counted; their mean stands for all others."""


@dataclass(frozen=True)
class Amounts:
    """Counts of a data set; some may be estimates from a part of it.

    Attributes:
        train_photos: number of training photos.
        val_photos: number of validation photos.
        boxes: base boxes, without crowd regions.
        boxed_photos: photos with such a box.
        epoch_boxes: boxes in an epoch of re-normalization, with repeats.
        epoch_photos: photos in an epoch of training, with repeats.
        sizes_wh: (S, 2) int32, distinct sizes of training photos in pixels.
        size_counts: (S,) int64, number of photos of each size.
        names: number of base names.
    """

    train_photos: int
    val_photos: int
    boxes: float
    boxed_photos: float
    epoch_boxes: float
    epoch_photos: float
    sizes_wh: NDArray[np.int32]
    size_counts: NDArray[np.int64]
    names: int

    @property
    def common_size_wh(self) -> tuple[int, int]:
        """The most frequent size of a training photo, width and height."""
        width, height = self.sizes_wh[int(np.argmax(self.size_counts))].tolist()
        return width, height

    @property
    def boxes_a_photo(self) -> int:
        """Boxes of a photo that has some: their mean, at least 1."""
        return max(1, round(self.boxes / max(self.boxed_photos, 1)))

    def times(self, factor: float, train_photos: int, val_photos: int) -> "Amounts":
        """The amounts of a data set that is `factor` times as large."""
        return Amounts(
            train_photos,
            val_photos,
            self.boxes * factor,
            self.boxed_photos * factor,
            self.epoch_boxes * factor,
            self.epoch_photos * factor,
            self.sizes_wh,
            self.size_counts,
            self.names,
        )


def count_amounts(
    labels: Sequence[torch.Tensor], sizes_wh: NDArray[np.int32], val_photos: int, names: int, params: Params
) -> Amounts:
    """Count a data set from the labels of each training photo, (n,) each, and the photos' sizes (N, 2)."""
    boxed = [found for found in labels if len(found)]
    factors = repeat_factors(boxed, params.renorm.repeat_threshold)
    counts = [len(found) for found in boxed]
    sizes, size_counts = np.unique(sizes_wh, axis=0, return_counts=True)
    return Amounts(
        train_photos=len(labels),
        val_photos=val_photos,
        boxes=float(sum(counts)),
        boxed_photos=float(len(boxed)),
        epoch_boxes=float(sum(count * float(factor) for count, factor in zip(counts, factors, strict=True))),
        epoch_photos=sum(repeat_factors(labels, params.train.repeat_threshold)),
        sizes_wh=sizes,
        size_counts=size_counts,
        names=names,
    )


@dataclass(frozen=True)
class Units:
    """Units of a task.

    Attributes:
        count: number of units.
        per_shard: units in a shard; 0 if one process does all of them.
    """

    count: float
    per_shard: int = 0

    def busiest(self, workers: int) -> float:
        """Units of the worker that has most of them; shards are not divided."""
        if not self.per_shard:
            return self.count
        rounds = math.ceil(math.ceil(self.count / self.per_shard) / workers)
        return min(self.count, rounds * self.per_shard)


def check_boxes(config: RenormConfig, amounts: Amounts) -> float:
    """Boxes of the check, in units of tuned boxes: a box that is only measured costs a third of one."""
    check = config.check
    if check is None or config.method != "tune":
        return 0.0
    kept = 1 - check.held_back
    measured = min(check.boxes, check.held_back * amounts.boxes)
    measured += min(check.boxes, check.held_back * kept * amounts.boxes)
    candidates = 1 + config.epochs * len(check.ways)
    return config.epochs * kept**2 * amounts.epoch_boxes + candidates * measured / FORWARDS_OF_TUNING


@dataclass(frozen=True)
class MiningCost:
    """Mean cost of mining a photo.

    Attributes:
        anchors: candidate boxes.
        forwards: forward passes through the teacher.
        tiles: those of them on tiles of the photo rather than on boxes.
    """

    anchors: float
    forwards: float
    tiles: float


def mining_cost(params: MineParams, amounts: Amounts) -> MiningCost:
    """Upper bound of the mean cost of mining a photo, over the most frequent sizes."""
    common = np.argsort(-amounts.size_counts, kind="stable")[:COMMON_SIZES]
    weights = amounts.size_counts[common]
    costs = [photo_cost(params, (height, width)) for width, height in amounts.sizes_wh[common].tolist()]
    means = np.average([(cost.anchors, cost.forwards, cost.tiles) for cost in costs], axis=0, weights=weights)
    return MiningCost(*means.tolist())


def photo_cost(params: MineParams, original_size: tuple[int, int]) -> MiningCost:
    """Cost of mining a photo of (height, width)."""
    scale = fit_scale(original_size, params.long_side, params.short_side)
    anchors = anchor_boxes_xyxy(original_size, scale, params.stride, params.scales, params.ratios)
    tiles = count_tiles(original_size)
    # boxes left after NMS are classified until enough have a name
    named = min(params.post_nms_top_n, 2 * params.keep)
    if params.method == "cascade":
        return MiningCost(len(anchors), max(params.cascade.fraction * len(anchors), tiles + 1), tiles)
    if params.method == "rpn":
        return MiningCost(named, named, 0)
    return MiningCost(len(anchors), len(distinct_boxes(anchors)) + named, 0)
