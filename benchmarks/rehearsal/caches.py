"""Made-up proposals, embeddings and detections, with as many shards and rows as real ones."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.rehearsal.drawing import POLYGONS, SIZES_WH, draw_polygons
from benchmarks.rehearsal.shapes import Shape
from ezsd.cache import writing
from ezsd.cache.artifacts import MINED_ARRAYS, Embedded, Mined, encode_embeddings, object_rows
from ezsd.cache.atomic import write_json_atomic
from ezsd.cache.renorm_file import RenormRecord, write_renorm
from ezsd.evaluation.coco_form import Record, grouped, ids_with_boxes, restrict_to_photos
from ezsd.masks import Rle, as_rle, run_lengths
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import DataSources, PhotoFolder, resolve_sources
from ezsd.pipeline.data.validation_photos import ValidationPhotos, read_boxes
from ezsd.pipeline.jobs.evaluate import PHOTOS_PER_SHARD, RAW, RENORMALIZED, Models, ValidationPass
from ezsd.pipeline.models.detector import CARD
from ezsd.pipeline.models.teacher_source import resolve_teacher, teacher_digests
from ezsd.pipeline.stage import StageContext
from ezsd.stages import evaluate

KEEP, DIM = 8, 16
"""Proposals per photo and numbers per embedding: the presets have 300 and 512."""
_MADE = {"made": "by the rehearsal"}


def write_proposals(context: StageContext) -> None:
    """Fill `artifacts/mine`, with the preset's number of photos per shard."""
    params, index = context.params, Prepared(context.parent("prepare")).train
    writing.begin(context.folder, "mine", _MADE)
    attributes = {
        "names": [],
        "base_count": 0,
        "protocol": "names known",
        "score": "",
        "scored_context_factor": None,
    }
    mined = Mined(context.folder)
    mined.create(len(index), params.mine.photos_per_shard, KEEP, attributes)
    store = mined.store
    for shard in range(store.shards):
        rows = store.shard_range(shard)
        generator = np.random.default_rng([shard, KEEP])
        corner_xy = generator.uniform(0, 24, (len(rows), KEEP, 2))
        boxes_xyxy = np.concatenate(
            [corner_xy, corner_xy + generator.uniform(4, 24, corner_xy.shape)], axis=2
        )
        count = np.full(len(rows), KEEP, np.int32)
        store.write_shard(
            shard,
            {
                "boxes_xyxy": boxes_xyxy.astype(np.float32),
                "scores": generator.random((len(rows), KEEP), np.float32),
                "labels": generator.integers(0, 48, (len(rows), KEEP), np.int32),
                "confidence": generator.random((len(rows), KEEP), np.float32),
                "count": count,
                "anchors": count,
                "forwards": count,
                "image_ids": index.photos.image_ids[rows],
            },
        )
    store.finish()


def write_embeddings(context: StageContext) -> None:
    """Fill `artifacts/embed`, with room for the largest number of objects in a photo."""
    index, mined = Prepared(context.parent("prepare")).train, Mined(context.parent("mine"))
    writing.begin(context.folder, "embed", _MADE)
    most, dtype, embedded = index.most_objects(), context.params.embed.dtype, Embedded(context.folder)
    embedded.create(mined, most, DIM, dtype, context.params.embed.crops)
    store = embedded.store
    for shard in range(store.shards):
        photos = store.shard_range(shard)
        generator = np.random.default_rng([shard, DIM])
        rows = mined.store.read_shard(shard, MINED_ARRAYS) | object_rows(index, photos, most)
        for name, count in (("embeddings", KEEP), ("gt_embeddings", most)):
            values = generator.normal(size=(len(photos), count, DIM)).astype(np.float32)
            rows |= encode_embeddings(name, values, dtype)
        store.write_shard(shard, rows)
    store.finish()


def write_renorm_and_detector(context: StageContext) -> None:
    """Write what `evaluate` reads of `renorm` and `train` when its pass over the photos is done."""
    renorm, train = context.parent("renorm"), context.parent("train")
    writing.begin(renorm, "renorm", _MADE)
    teacher = teacher_digests(resolve_teacher(context.params.teacher, context.root))
    write_renorm(renorm / "renorm.h5", _blank_record(teacher))
    writing.publish(renorm, {}, {})
    writing.begin(train, "train", _MADE)
    write_json_atomic(train / CARD, {"config": {"masks": {}}, "protocol": "names known"})
    writing.publish(train, {}, {})


def write_detections(context: StageContext, shape: Shape) -> None:
    """Write the shards of a pass over the validation photos, with the preset's most detections per photo."""
    writing.begin(context.folder, "evaluate", _MADE)
    prepared = Prepared(context.parent("prepare"))
    sources = resolve_sources(context.params.data, context.root, prepared.folder)
    truth = read_boxes(sources, "val", prepared.split)
    truth = restrict_to_photos(truth, prepared.val.photos.image_ids.tolist())
    if context.params.evaluate.photos == "with_boxes":
        truth = restrict_to_photos(truth, ids_with_boxes(truth))
    detect = _Detections(shape, truth, context.params.evaluate.detections_per_image)
    done = _no_models(context, sources, truth)
    for shard in range(done.shards):
        done.publish(shard, [detect(truth["images"][row]) for row in done.rows(shard)])


class _Detections:
    """Made-up detections of a photo: every other one near an object, the rest anywhere, of any name."""

    def __init__(self, shape: Shape, truth: Record, detections: int) -> None:
        self._objects = grouped(truth["annotations"], "image_id")
        self._ids = np.array([category["id"] for category in truth["categories"]])
        self._detections = detections
        polygons = draw_polygons(shape.corners)
        self._masks: dict[tuple[int, int], list[Rle]] = {
            size_wh: [as_rle(run_lengths([one], size_wh[::-1]), size_wh[::-1]) for one in polygons]
            for size_wh in SIZES_WH
        }

    def __call__(self, photo: Record) -> Record:
        generator, objects = np.random.default_rng(photo["id"]), self._objects.get(photo["id"], [])
        size_wh, count = (photo["width"], photo["height"]), self._detections
        sides = generator.uniform(2, 24, (count, 2))
        boxes = np.concatenate([generator.uniform(0, 24, (count, 2)), sides], axis=1)
        names = generator.choice(self._ids, count)
        if objects:
            nearest = generator.integers(0, len(objects), len(boxes[::2]))
            boxes[::2] = np.array([one["bbox"] for one in objects])[nearest]
            boxes[::2] += generator.normal(0, 0.5, boxes[::2].shape)
            names[::2] = np.array([one["category_id"] for one in objects])[nearest]
        masks = [self._masks[size_wh][one] for one in generator.integers(0, POLYGONS, count).tolist()]
        scores = np.sort(generator.random(count, np.float32))[::-1]
        labels = [0 for one in objects if not one["iscrowd"]]
        return {
            "detections": list(_results(photo["id"], names, np.maximum(boxes, 0.5), scores, masks)),
            "joint_scores": [],
            "student_labels": labels,
            "teacher_labels": {RAW: labels, RENORMALIZED: labels},
        }


def _results(
    image_id: int, names: np.ndarray, boxes: np.ndarray, scores: np.ndarray, masks: Sequence[Rle]
) -> Iterator[Record]:
    rows = zip(names.tolist(), boxes.round(2).tolist(), scores.tolist(), masks, strict=True)
    for name, box, score, mask in rows:
        yield {
            "image_id": image_id,
            "category_id": name,
            "bbox": box,
            "score": round(score, 7),
            "segmentation": mask,
        }


def _no_models(context: StageContext, sources: DataSources, truth: Record) -> ValidationPass:
    """Return the pass, which knows its shards' files; its models are never loaded."""
    photos = ValidationPhotos(truth["images"], [], [], np.zeros((0, 16)), PhotoFolder(sources.val.photos))
    return ValidationPass(photos, _NoModels(), context.folder / evaluate.PARTS, PHOTOS_PER_SHARD)


class _NoModels:
    def load(self) -> Models:
        raise AssertionError("every photo is done")


def _blank_record(teacher: dict[str, Any]) -> RenormRecord:
    """Return a record that identifies the teacher and is blank otherwise."""
    mean, covariance = np.zeros(DIM, np.float32), np.zeros((DIM, DIM), np.float32)
    text = np.zeros((1, DIM), np.float32)
    return RenormRecord(
        layers=(),
        feature_mean_before=mean,
        feature_mean_after=mean,
        feature_covariance_before=covariance,
        feature_covariance_after=covariance,
        names=("thing",),
        text_embeddings_raw=text,
        text_embeddings_renormalized=text,
        base_accuracy=np.zeros(1, np.float32),
        teacher=teacher,
        protocol="names known",
    )
