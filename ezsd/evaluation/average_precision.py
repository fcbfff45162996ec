"""Average precision by pycocotools, per class, so that base and novel can be averaged apart."""

import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ezsd.evaluation.coco_form import Record
from ezsd.evaluation.groups import percent_by_group
from ezsd.split import Split

_AREAS = {"all": 0, "small": 1, "medium": 2, "large": 3}  # their order in COCOeval's params


@dataclass(frozen=True)
class ClassScores:
    """Average precision of each class: (C,) float64 in 0..1, NaN where the class has no such box to find.

    `ap` is the mean over IoU 0.50:0.05:0.95; small, medium and large end at 32^2, 96^2 and infinite pixels.
    """

    ap: np.ndarray
    ap50: np.ndarray
    ap75: np.ndarray
    ap_small: np.ndarray
    ap_medium: np.ndarray
    ap_large: np.ndarray

    def by_group(self, split: Split) -> dict[str, dict[str, float | None]]:
        """Means over the classes of a group that have boxes, in percent: `{"AP": {"base": ...}, ...}`."""
        labels = np.arange(len(split.names))
        return {
            field.name.replace("ap", "AP"): percent_by_group(getattr(self, field.name), labels, split)
            for field in fields(self)
        }


def score_detections(
    ground_truth: Mapping[str, Any],
    detections: Sequence[Record],
    max_dets: Sequence[int],
    shape: Literal["bbox", "segm"] = "bbox",
) -> dict[int, ClassScores]:
    """Scores COCO results against COCO ground truth, all classes competing.

    Args:
        ground_truth: of `coco_form.restrict_to_photos`; every photo in it counts, every category is a class.
        detections: COCO results; none at all is allowed.
        max_dets: how many of the best boxes of a class count in one photo (COCO: 100); one limit
            or several.
        shape: what must overlap, boxes or masks; for masks both sides hold a `segmentation`.

    Returns:
        The scores for each limit; classes are in the order of the ground truth's categories.
    """
    limits = sorted(set(max_dets))
    with contextlib.redirect_stdout(io.StringIO()):
        truth = _load({**ground_truth, "annotations": [dict(box) for box in ground_truth["annotations"]]})
        run = COCOeval(truth, _load_results(truth, _RESULTS[shape](detections)), shape)
        run.params.maxDets = limits
        run.evaluate()
        run.accumulate()
    columns = np.searchsorted(run.params.catIds, [category["id"] for category in ground_truth["categories"]])
    precision = run.eval["precision"][:, :, columns]  # (IoU, recall, class, area, limit)
    return {limit: _class_scores(precision[..., m]) for m, limit in enumerate(limits)}


def _without_boxes(detections: Sequence[Record]) -> list[Record]:
    """Results of masks alone: beside a box pycocotools would take its area for the mask's."""
    return [{key: value for key, value in one.items() if key != "bbox"} for one in detections]


_RESULTS: dict[str, Callable[[Sequence[Record]], Sequence[Record]]] = {"bbox": list, "segm": _without_boxes}


def _class_scores(precision: np.ndarray) -> ClassScores:
    """From precision (T IoUs, R recalls, C classes, A areas); -1 marks what has no box to find."""
    known = np.where(precision > -1, precision, np.nan)
    whole, first, middle = known.mean(axis=(0, 1)), known[0].mean(axis=0), known[5].mean(axis=0)
    return ClassScores(
        ap=whole[:, _AREAS["all"]],
        ap50=first[:, _AREAS["all"]],
        ap75=middle[:, _AREAS["all"]],
        ap_small=whole[:, _AREAS["small"]],
        ap_medium=whole[:, _AREAS["medium"]],
        ap_large=whole[:, _AREAS["large"]],
    )


def _load(dataset: Mapping[str, Any]) -> COCO:
    coco = COCO()
    coco.dataset = dataset
    coco.createIndex()
    return coco


def _load_results(truth: COCO, detections: Sequence[Record]) -> COCO:
    # loadRes looks at the first result to learn their kind, and writes into each
    if detections:
        return truth.loadRes([dict(detection) for detection in detections])
    return _load({**truth.dataset, "annotations": []})
