"""Params of the probe: those of the real run, made so small that it takes seconds."""

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ezsd.errors import InputError
from ezsd.pipeline.device import choose_device
from ezsd.pipeline.executor import count_workers
from ezsd.pipeline.models.teacher import resolve_teacher
from ezsd.pipeline.params import DataParams, Params, TeacherParams
from ezsd.pipeline.plan.counts import MiningCost, photo_cost
from ezsd.pipeline.threads import one_thread
from ezsd.teacher.load import load_teacher

PHOTO_SECONDS = 2.0
"""One worker's time for the crops of a photo; where mining takes longer, the probe lays fewer anchors."""
PHOTOS, FEW_PHOTOS = 32, 8
"""Photos of the probe, where crops are cheap and where they are dear."""
CROPS = 8
RANDOM = "random"


@dataclass(frozen=True)
class Size:
    """How small. photos: of training, and as many of validation. thinning: factor on the anchors' stride."""

    photos: int
    thinning: int
    keep: int


def available_teacher(params: Params, root: Path) -> TeacherParams:
    """The teacher, with random weights where its own are not on this machine and cannot be fetched.

    Raises InputError for a teacher that cannot be built at all.
    """
    own = params.teacher
    teacher = replace(own, model=_absolute(root, own.model), weights=_absolute(root, own.weights))
    try:
        resolve_teacher(teacher, root)
    except InputError:
        teacher = replace(teacher, weights=RANDOM)
        resolve_teacher(teacher, root)
    return teacher


def choose_size(params: Params, root: Path) -> Size:
    """As many photos and anchors as the teacher's speed allows."""
    crops = max(16, int(PHOTO_SECONDS / _crop_seconds(params, root)))
    forwards = _largest_photo(params).forwards
    thinning = 1 if forwards <= crops else max(2, math.ceil(math.sqrt(forwards / crops)))
    photos = max(PHOTOS if thinning == 1 else FEW_PHOTOS, 2 * count_workers(params.run))
    return Size(photos, thinning, params.mine.keep if thinning == 1 else min(params.mine.keep, crops))


def small_params(params: Params, data: DataParams, size: Size) -> Params:
    """The same work for few photos: two shards for each worker, and two epochs or one."""
    shard = max(1, size.photos // (2 * count_workers(params.run)))
    epochs = 2 if size.thinning == 1 else 1
    prepare, mine, train = params.prepare, params.mine, params.train
    rpn_schedule = replace(mine.rpn.schedule, epochs=1)
    train_schedule = replace(train.schedule, epochs=epochs, decay_epochs=())
    return replace(
        params,
        data=data,
        prepare=replace(prepare, photos_per_shard=shard, max_quarantined_fraction=1.0),
        renorm=replace(params.renorm, epochs=min(params.renorm.epochs, epochs)),
        mine=replace(
            mine,
            photos_per_shard=shard,
            stride=mine.stride * size.thinning,
            keep=size.keep,
            # weights change no time
            rpn=replace(mine.rpn, schedule=rpn_schedule, backbone_weights=RANDOM),
        ),
        train=replace(train, schedule=train_schedule, backbone_weights=RANDOM),
        evaluate=replace(params.evaluate, photos="all"),
        run=replace(params.run, scheduler=None, loggers=()),
    )


def _absolute(root: Path, value: str) -> str:
    return str(root / value) if (root / value).is_file() else value


def _largest_photo(params: Params) -> MiningCost:
    """Of a photo that fills the frame which photos are resized to fit."""
    return photo_cost(params.mine, (params.mine.short_side, params.mine.long_side))


@torch.inference_mode()
def _crop_seconds(params: Params, root: Path) -> float:
    """Time of one crop through the teacher, as a worker takes it."""
    teacher = load_teacher(resolve_teacher(params.teacher, root)).to(choose_device(params.run))
    crops = torch.zeros((CROPS, 3, teacher.image_size, teacher.image_size), dtype=torch.uint8)
    with one_thread():
        teacher.encode_images(teacher.pixels(crops)).cpu()
        start = time.monotonic()
        teacher.encode_images(teacher.pixels(crops)).cpu()
        return (time.monotonic() - start) / CROPS
