"""The input of the probe: reduced params of the real run, and a data set of a few photos."""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from ezsd.errors import InputError
from ezsd.pipeline.data.novel import read_training_for
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import DataSources, PhotoFolder
from ezsd.pipeline.data.tables import Boxes
from ezsd.pipeline.data.views import TrainingData, clean_training_boxes, read_validation_photos
from ezsd.pipeline.data.world.drawing import encode_jpeg
from ezsd.pipeline.device import choose_device, count_workers, one_thread
from ezsd.pipeline.errors import DataError
from ezsd.pipeline.models import RANDOM
from ezsd.pipeline.models.teacher_source import resolve_teacher
from ezsd.pipeline.params import DataParams, OwnSplit, Params, TeacherParams
from ezsd.pipeline.plan.counts import Amounts, MiningCost, count_amounts, photo_cost
from ezsd.split import Split
from ezsd.teacher.load import load_teacher

PHOTO_SECONDS = 2.0
"""Time limit for the crops of a photo on one worker; the probe uses fewer anchors to keep it."""
PHOTOS, FEW_PHOTOS = 32, 8
"""Photos of the probe with a fast and with a slow teacher."""
CROPS = 8


@dataclass(frozen=True)
class Size:
    """Size of the probe.

    Attributes:
        photos: number of training photos, and of validation photos.
        stride_factor: on the anchors' stride.
        keep: proposals per photo.
    """

    photos: int
    stride_factor: int
    keep: int


def available_teacher(params: Params, root: Path) -> TeacherParams:
    """The teacher, with random weights if its own are not on this machine and cannot be downloaded.

    Raises InputError when the teacher cannot be built.
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
    """Choose as many photos and anchors as the teacher's speed allows."""
    crops = max(16, int(PHOTO_SECONDS / _crop_seconds(params, root)))
    forwards = _largest_photo(params).forwards
    stride_factor = 1 if forwards <= crops else max(2, math.ceil(math.sqrt(forwards / crops)))
    photos = max(PHOTOS if stride_factor == 1 else FEW_PHOTOS, 2 * count_workers(params.run))
    return Size(
        photos, stride_factor, params.mine.keep if stride_factor == 1 else min(params.mine.keep, crops)
    )


def small_params(params: Params, data: DataParams, size: Size) -> Params:
    """Params of the same work for few photos: two shards per worker, and one or two epochs."""
    shard = max(1, size.photos // (2 * count_workers(params.run)))
    epochs = 2 if size.stride_factor == 1 else 1
    prepare, mine, train = params.prepare, params.mine, params.train
    rpn_schedule = replace(mine.rpn.schedule, epochs=1)
    train_schedule = replace(train.schedule, epochs=epochs, decay_epochs=())
    return replace(
        params,
        data=data,
        prepare=replace(prepare, photos_per_shard=shard, max_quarantined_fraction=1.0),
        # a few photos are no ground for a choice; `units_of_work` counts the check
        renorm=replace(params.renorm, epochs=min(params.renorm.epochs, epochs), check=None),
        mine=replace(
            mine,
            photos_per_shard=shard,
            stride=mine.stride * size.stride_factor,
            keep=size.keep,
            # weights do not change the time
            rpn=replace(mine.rpn, schedule=rpn_schedule, backbone_weights=RANDOM),
        ),
        train=replace(train, schedule=train_schedule, backbone_weights=RANDOM),
        evaluate=replace(params.evaluate, photos="all"),
        run=replace(params.run, scheduler=None, loggers=()),
    )


def _absolute(root: Path, value: str) -> str:
    return str(root / value) if (root / value).is_file() else value


def _largest_photo(params: Params) -> MiningCost:
    """Cost of a photo of the maximum size after resizing."""
    return photo_cost(params.mine, (params.mine.short_side, params.mine.long_side))


@torch.inference_mode()
def _crop_seconds(params: Params, root: Path) -> float:
    """Time of one crop through the teacher on a worker, in seconds."""
    teacher = load_teacher(resolve_teacher(params.teacher, root)).to(choose_device(params.run))
    crops = torch.zeros((CROPS, 3, teacher.image_size, teacher.image_size), dtype=torch.uint8)
    with one_thread():
        teacher.encode_images(teacher.pixels(crops)).cpu()
        start = time.monotonic()
        teacher.encode_images(teacher.pixels(crops)).cpu()
        return (time.monotonic() - start) / CROPS


@dataclass(frozen=True)
class RealData:
    """The data set according to its annotations; `boxes` are the usable base boxes without crowd regions."""

    split: Split
    training: TrainingData
    boxes: Boxes
    amounts: Amounts
    rows: NDArray[np.integer]

    @staticmethod
    def read(params: Params, sources: DataSources) -> "RealData":
        """Read the annotations, but no photos. Raises DataError when they are unusable."""
        training = read_training_for(params.prepare, sources, params.data.split)
        clean = clean_training_boxes(training).boxes
        boxes = clean.objects()
        rows = np.arange(len(training.photos))
        if params.prepare.empty_photos == "drop":
            rows = np.flatnonzero(np.isin(training.photos.ids, clean.image_ids))
        photos = training.photos.take(rows)
        labels = _by_photo(boxes, photos.ids)
        val_photos = len(read_validation_photos(sources, training.split))
        amounts = count_amounts(labels, photos.sizes_wh, val_photos, params)
        return RealData(training.split, training, boxes, amounts, rows)


def amounts_of_index(prepared: Prepared, params: Params) -> Amounts:
    """The amounts of a prepared data set, with the repeats of these params."""
    index = prepared.train
    labels = [
        torch.from_numpy(boxes.labels.astype(np.int64)) for boxes in map(index.objects_of, range(len(index)))
    ]
    return count_amounts(labels, index.photos.sizes_wh, len(prepared.val), params)


def write_sample(real: RealData, sources: DataSources, folder: Path, photos: int) -> tuple[DataParams, int]:
    """Write a COCO data set of evenly chosen photos into `folder`, for both training and validation.

    Returns:
        Its params, and the number of missing photos that synthetic ones replace.
    """
    usable = real.rows[np.isin(real.training.photos.ids[real.rows], real.boxes.image_ids)]
    chosen = usable[np.unique(np.linspace(0, len(usable) - 1, photos).round().astype(int))]
    (folder / "photos").mkdir(parents=True)
    synthetic = sum(_write_photo(real, sources, folder, int(row)) for row in chosen)
    annotations = folder / "annotations.json"
    annotations.write_text(json.dumps(_coco_form(real, chosen)), encoding="utf-8")
    data = DataParams(
        format="coco",
        split=OwnSplit(base=real.split.base, novel=real.split.novel),
        train_photos=str(folder / "photos"),
        train_annotations=str(annotations),
        val_photos=str(folder / "photos"),
        val_annotations=str(annotations),
    )
    return data, synthetic


def _write_photo(real: RealData, sources: DataSources, folder: Path, row: int) -> bool:
    """Copy a photo, or draw one of its size if it is missing; return whether it was drawn."""
    width, height = real.training.photos.sizes_wh[row].tolist()
    path, name = folder / "photos" / f"{row}.jpg", real.training.photos.file_names[row]
    reader = PhotoFolder(sources.train.photos, follow_links=sources.train.drawn)
    try:
        reader.decode(name, (width, height))
        path.write_bytes(reader.read(name))
    except DataError:
        path.write_bytes(_synthetic_jpeg(width, height, row))
        return True
    return False


def _synthetic_jpeg(width: int, height: int, seed: int) -> bytes:
    """Clouds with some grain, which take about as long to decode as a photo."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (max(2, height // 16), max(2, width // 16), 3), np.uint8)
    clouds = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    grain = generator.integers(-12, 13, clouds.shape)
    return encode_jpeg(np.clip(clouds + grain, 0, 255).astype(np.uint8))


def _coco_form(real: RealData, rows: NDArray[np.integer]) -> dict[str, list[dict[str, object]]]:
    """COCO's form of photos, all names, and base boxes, each also as a rectangular mask."""
    photos = real.training.photos
    images = [
        {"id": int(photos.ids[row]), "file_name": f"{row}.jpg", "width": int(w), "height": int(h)}
        for row, (w, h) in zip(rows.tolist(), photos.sizes_wh[rows].tolist(), strict=True)
    ]
    here = real.boxes.take(np.isin(real.boxes.image_ids, photos.ids[rows]))
    annotations = []
    for place in range(len(here)):
        x0, y0, x1, y1 = here.boxes_xyxy[place].tolist()
        annotations.append(
            {
                "id": int(here.annotation_ids[place]),
                "image_id": int(here.image_ids[place]),
                "category_id": int(here.labels[place]) + 1,
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "area": float(here.areas[place]),
                "iscrowd": 0,
                "segmentation": [[x0, y0, x1, y0, x1, y1, x0, y1]],
            }
        )
    categories = [{"id": place + 1, "name": name} for place, name in enumerate(real.split.names)]
    return {"images": images, "annotations": annotations, "categories": categories}


def _by_photo(boxes: Boxes, image_ids: NDArray[np.int64]) -> Sequence[torch.Tensor]:
    """Labels of each photo's boxes, int64 (n,)."""
    order = np.argsort(boxes.image_ids, kind="stable")
    labels, owners = boxes.labels[order].astype(np.int64), boxes.image_ids[order]
    starts, stops = (np.searchsorted(owners, image_ids, side=side) for side in ("left", "right"))
    return [torch.from_numpy(labels[start:stop]) for start, stop in zip(starts, stops, strict=True)]
