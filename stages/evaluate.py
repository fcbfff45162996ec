"""`evaluate`: score the detector on base and novel names. The only stage that reads novel annotations."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ezsd.boxes import xywh_to_xyxy
from ezsd.cache.artifacts import Mined
from ezsd.cache.atomic import json_bytes
from ezsd.cache.folders import wipe
from ezsd.evaluation.average_precision import ClassScores, Shape, score_detections
from ezsd.evaluation.coco_form import Record, boxes_with_scores, ids_with_boxes, restrict_to_photos
from ezsd.evaluation.error_types import count_errors
from ezsd.evaluation.federated import score_federated
from ezsd.evaluation.groups import percent_by_group
from ezsd.evaluation.metrics import Question, class_rows, objects_by_name, put_together
from ezsd.evaluation.voc import score_voc
from ezsd.pipeline.data.coco_form import as_coco, with_masks
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.segmentations import masks_of
from ezsd.pipeline.data.sources import DataSources, Which, read_full_annotations, read_split, resolve_sources
from ezsd.pipeline.evaluation_files import Evaluation, write_evaluation
from ezsd.pipeline.jobs.proposal_recall import proposal_recall
from ezsd.pipeline.jobs.validation import PHOTOS_PER_SHARD, Seen, TrueBoxes, ValidationPass
from ezsd.pipeline.jobs.validation_models import models_on_disk
from ezsd.pipeline.models.detector_files import finds_masks
from ezsd.pipeline.params import Params
from ezsd.pipeline.stage import ARTIFACTS, StageContext, StageResult
from ezsd.split import Split

Scoring = Callable[[Record, Sequence[Record], Sequence[int], Shape], Mapping[int, ClassScores]]

SCORING: dict[str, Scoring] = {"lvis": score_federated, "voc": score_voc}
"""Formats whose data sets are scored by rules of their own; all others by COCO's."""
FACTS = ("protocol", "AP50", "ensemble")
"""What the manifest tells of the metrics."""
PARTS = "parts"
"""What an interrupted run leaves to resume from; a finished one removes it."""


def external_inputs(params: Params, root: Path) -> dict[str, Any]:
    """Digests of the user's full annotations; those of the embedded world are part of `prepare`."""
    if params.data.world is not None:
        return {}
    sources = resolve_sources(params.data, root, root / ARTIFACTS / "prepare")
    split = read_split(sources, params.data.split)
    train = read_boxes(sources, "train", split)
    val = (read_masks if params.prepare.masks else read_boxes)(sources, "val", split)
    return {
        f"{which}_annotations": hashlib.sha256(json_bytes(annotations)).hexdigest()
        for which, annotations in {"train": train, "val": val}.items()
    }


def run(context: StageContext) -> StageResult:
    """Look at the validation photos, score what was seen, and write all files of the folder."""
    params = context.params.evaluate
    prepared = Prepared(context.parent("prepare"))
    split, mined = prepared.split, Mined(context.parent("mine"))
    sources = resolve_sources(context.params.data, context.root, prepared.folder)
    masks = finds_masks(context.parent("train"))
    annotations = (read_masks if masks else read_boxes)(sources, "val", split)
    ground_truth = _restrict(annotations, prepared, params.photos)
    seen = _look(context, prepared, sources, ground_truth)
    score = SCORING.get(context.params.data.format, score_detections)
    scores = score(ground_truth, seen.detections, params.max_dets, "bbox")
    of_masks = score(ground_truth, seen.detections, params.max_dets, "segm") if masks else {}
    joint = boxes_with_scores(seen.detections, seen.joint_scores) if params.ensemble else None
    of_joint = {} if joint is None else score(ground_truth, joint, params.max_dets[:1], "bbox")
    question = Question(
        data=context.params.data.format,
        protocol=mined.protocol,
        split=split,
        max_dets=params.max_dets[0],
        ground_truth=ground_truth,
        ensemble=params.ensemble,
    )
    accuracy = {
        teacher: percent_by_group(said == seen.labels, seen.labels, split)
        for teacher, said in seen.said.items()
    }
    train_boxes = read_full_annotations(sources, "train", split).clean.boxes
    recall = proposal_recall(mined, train_boxes, split)
    evaluation = Evaluation(
        metrics=put_together(question, scores, of_masks, of_joint, accuracy, recall),
        classes=class_rows(question, scores[question.max_dets]),
        errors=count_errors(ground_truth, seen.detections, split),
        detections=seen.detections,
        ensemble_detections=joint,
        ground_truth=ground_truth,
    )
    write_evaluation(context.folder, evaluation)
    _remove_parts(context.folder / PARTS)
    counts = {
        "photos": len(ground_truth["images"]),
        "objects": sum(objects_by_name(ground_truth).values()),
        "detections": len(seen.detections),
    }
    metrics = evaluation.metrics
    return StageResult(counts, {key: metrics[key] for key in FACTS if key in metrics})


def _remove_parts(parts: Path) -> None:
    """Remove what the pass left to resume from; a pass over no photos leaves nothing."""
    if parts.is_dir():
        wipe(parts)
        parts.rmdir()


def read_boxes(sources: DataSources, which: Which, split: Split) -> Record:
    """All annotations of the split's names, novel ones included, in COCO's form."""
    return as_coco(read_full_annotations(sources, which, split), split)


def read_masks(sources: DataSources, which: Which, split: Split) -> Record:
    """The same with masks."""
    full = read_full_annotations(sources, which, split)
    masks = masks_of(sources.of(which), full.clean.boxes, full.photos, split.names)
    return with_masks(as_coco(full, split), masks)


def _restrict(annotations: Record, prepared: Prepared, photos: str) -> Record:
    """What there is to find in the checked validation photos: all of them, or those that hold a box."""
    checked = restrict_to_photos(annotations, prepared.val.photos.image_ids.tolist())
    return checked if photos == "all" else restrict_to_photos(checked, ids_with_boxes(checked))


def _look(context: StageContext, prepared: Prepared, sources: DataSources, ground_truth: Record) -> Seen:
    category_ids = [category["id"] for category in ground_truth["categories"]]
    validation = ValidationPass(
        photos=ground_truth["images"],
        true_boxes=_true_boxes(ground_truth, category_ids),
        category_ids=category_ids,
        folder=sources.val.folder(),
        models=models_on_disk(context, prepared.split),
        parts=context.folder / PARTS,
        per_shard=PHOTOS_PER_SHARD,
    )
    context.map_shards(validation, validation.shards, validation.is_done, validation.size, "photos")
    return validation.collect()


def _true_boxes(ground_truth: Record, category_ids: list[int]) -> list[TrueBoxes]:
    """Objects of each photo, crowd regions left out."""
    label_of = {id_: label for label, id_ in enumerate(category_ids)}
    objects: dict[int, list[Record]] = {photo["id"]: [] for photo in ground_truth["images"]}
    for box in ground_truth["annotations"]:
        if not box["iscrowd"]:
            objects[box["image_id"]].append(box)
    return [
        TrueBoxes(
            xywh_to_xyxy(torch.tensor([box["bbox"] for box in boxes]).reshape(-1, 4)).numpy(),
            np.array([label_of[box["category_id"]] for box in boxes], dtype=np.int64),
        )
        for boxes in objects.values()
    ]
