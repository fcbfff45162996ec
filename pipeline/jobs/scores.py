"""The scores of `evaluate`: of the detections, and of the proposals in the training photos."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

import numpy as np
import torch

from ezsd.cache.artifacts import Mined
from ezsd.evaluation.average_precision import ClassScores, Shape
from ezsd.evaluation.coco_form import Record, boxes_with_scores
from ezsd.evaluation.config import scoring_module
from ezsd.evaluation.diagnostics import is_covered
from ezsd.evaluation.error_types import count_errors
from ezsd.evaluation.groups import percent_by_group
from ezsd.evaluation.metrics import EvaluationSetup, build_metrics, class_rows
from ezsd.pipeline.data.tables import Boxes
from ezsd.pipeline.evaluation_files import Evaluation
from ezsd.pipeline.jobs.evaluate import PassResult
from ezsd.split import Split

Scoring = Callable[[Record, Sequence[Record], Sequence[int], Shape], Mapping[int, ClassScores]]


def score_all(
    setup: EvaluationSetup,
    seen: PassResult,
    max_dets: Sequence[int],
    masks: bool,
    recall: Mapping[str, float | None],
) -> Evaluation:
    """Compute all numbers of the evaluation: of boxes and, where they exist, of masks and of the ensemble.

    Args:
        setup: what is scored against what.
        seen: the result of the pass.
        max_dets: detections per photo that count; the first is the setup's.
        masks: whether detections have masks.
        recall: result of :func:`proposal_recall`.
    """
    score: Scoring = import_module(scoring_module(setup.data)).score_detections
    truth = dict(setup.ground_truth)
    scores = score(truth, seen.detections, max_dets, "bbox")
    of_masks = score(truth, seen.detections, max_dets, "segm") if masks else {}
    joint = boxes_with_scores(seen.detections, seen.joint_scores) if setup.ensemble else None
    of_joint = {} if joint is None else score(truth, joint, max_dets[:1], "bbox")
    accuracy = {
        teacher: percent_by_group(labels == seen.labels, seen.labels, setup.split)
        for teacher, labels in seen.teacher_labels.items()
    }
    naming = percent_by_group(seen.student_labels == seen.labels, seen.labels, setup.split)
    return Evaluation(
        metrics=build_metrics(setup, scores, of_masks, of_joint, accuracy, naming, recall),
        classes=class_rows(setup, scores[setup.max_dets]),
        errors=count_errors(truth, seen.detections, setup.split),
        detections=seen.detections,
        ensemble_detections=joint,
        ground_truth=truth,
    )


def proposal_recall(mined: Mined, boxes: Boxes, split: Split) -> dict[str, float | None]:
    """Percentage of objects that a stored proposal covers, by group; crowd regions are left out.

    Args:
        mined: the proposals.
        boxes: all boxes of the training photos, labels index `split.names`; those of photos without a row
            in the store (quarantined ones) do not count.
    """
    objects = boxes.objects()
    objects = objects.take(np.argsort(objects.image_ids, kind="stable"))
    covered, labels = [np.zeros(0, bool)], [np.zeros(0, np.int32)]
    for image_id, proposals_xyxy in mined.boxes_by_photo():
        start, stop = np.searchsorted(objects.image_ids, [image_id, image_id + 1])
        here_xyxy = torch.from_numpy(objects.boxes_xyxy[start:stop])
        covered.append(is_covered(here_xyxy, torch.from_numpy(proposals_xyxy)).numpy())
        labels.append(objects.labels[start:stop])
    return percent_by_group(np.concatenate(covered), np.concatenate(labels), split)
