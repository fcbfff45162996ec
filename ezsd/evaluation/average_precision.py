"""COCO's average precision for each class, to be averaged over base and novel.

faster-coco-eval computes what pycocotools does, in C++; tests compare the two.
"""

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster

from ezsd.evaluation.coco_form import Record
from ezsd.evaluation.groups import percent_by_group
from ezsd.split import Split

Shape = Literal["bbox", "segm"]
"""What must overlap for a detection to match an object: boxes or masks."""

_AREAS = {"all": 0, "small": 1, "medium": 2, "large": 3}  # their order in COCOeval's params


@dataclass(frozen=True)
class ClassScores:
    """Average precision of each class: float64 `(C,)` in [0, 1]; NaN for a class without such objects.

    Attributes:
        ap: mean over IoU 0.50:0.05:0.95.
        ap50: at IoU 0.5.
        ap75: at IoU 0.75.
    """

    ap: np.ndarray
    ap50: np.ndarray
    ap75: np.ndarray

    def by_group(self, split: Split) -> dict[str, dict[str, float | None]]:
        """Mean of each group of classes, in percent: `{"AP": {"base": ...}, ...}`."""
        labels = np.arange(len(split.names))
        return {key: percent_by_group(values, labels, split) for key, values in self.by_key().items()}

    def by_key(self) -> dict[str, np.ndarray]:
        """The arrays by their names in tables: `{"AP": ..., "AP50": ...}`."""
        return {field.name.replace("ap", "AP"): getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class ScoresBySize(ClassScores):
    """With `ap` of small (up to 32^2 pixels), medium (up to 96^2) and large objects."""

    ap_small: np.ndarray
    ap_medium: np.ndarray
    ap_large: np.ndarray


def score_detections(
    ground_truth: Mapping[str, Any],
    detections: Sequence[Record],
    max_dets: Sequence[int],
    shape: Shape = "bbox",
) -> dict[int, ClassScores]:
    """Score COCO results against COCO ground truth.

    Args:
        ground_truth: from `coco_form.restrict_to_photos`; all its photos and categories count.
        detections: COCO results; may be empty.
        max_dets: limits on the detections of a class in a photo (COCO: 100).
        shape: what must overlap, boxes or masks; for masks both sides need a `segmentation`.

    Returns:
        The scores for each limit; classes are in the order of the ground truth's categories.
    """
    limits = sorted(set(max_dets))
    with contextlib.redirect_stdout(io.StringIO()):
        truth = load_annotations(ground_truth)
        run = COCOeval_faster(truth, load_results(truth, detections, shape), shape)
        run.params.maxDets = limits
        run.evaluate()
        run.accumulate()
    columns = np.searchsorted(run.params.catIds, [category["id"] for category in ground_truth["categories"]])
    precision = run.eval["precision"][:, :, columns]  # (IoU, recall, class, area, limit)
    return {limit: scores_by_size(precision[..., m]) for m, limit in enumerate(limits)}


def scores_by_size(precision: np.ndarray) -> ScoresBySize:
    """Average COCOeval's precision `(T IoUs, R recalls, C classes, A areas)`; -1 where there is no object."""
    known = np.where(precision > -1, precision, np.nan)
    whole, first, middle = known.mean(axis=(0, 1)), known[0].mean(axis=0), known[5].mean(axis=0)
    return ScoresBySize(
        ap=whole[:, _AREAS["all"]],
        ap50=first[:, _AREAS["all"]],
        ap75=middle[:, _AREAS["all"]],
        ap_small=whole[:, _AREAS["small"]],
        ap_medium=whole[:, _AREAS["medium"]],
        ap_large=whole[:, _AREAS["large"]],
    )


def load_annotations(dataset: Mapping[str, Any]) -> COCO:
    """An index of the annotations, which are copied: the evaluation writes into them."""
    coco = COCO()
    coco.dataset = {**dataset, "annotations": [dict(one) for one in dataset["annotations"]]}
    coco.createIndex()
    return coco


def load_results(truth: COCO, detections: Sequence[Record], shape: Shape) -> COCO:
    """An index of COCO results.

    For masks the box is removed: its area would be taken for the mask's.
    """
    left_out = {"bbox": (), "segm": ("bbox",)}[shape]
    results = [{key: one[key] for key in one if key not in left_out} for one in detections]
    # loadRes reads the kind of results from the first, so there must be one
    return truth.loadRes(results) if results else load_annotations({**truth.dataset, "annotations": []})
