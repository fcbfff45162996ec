"""LVIS's average precision: names that a photo was not searched for do not count there.

LVIS is federated (Gupta et al., "LVIS", CVPR 2019): each photo was searched for some names only. These are
the names with a box in it, and its `neg_category_ids`, which are absent. Of names in its
`not_exhaustive_category_ids` some objects may have no box.
"""

import contextlib
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from faster_coco_eval import COCOeval_faster
from pycocotools import mask as coco_mask

from ezsd.evaluation.average_precision import (
    ScoresBySize,
    Shape,
    load_annotations,
    load_results,
    scores_by_size,
)
from ezsd.evaluation.coco_form import Record, grouped, not_exhaustive, searched_for


def score_detections(
    ground_truth: Mapping[str, Any],
    detections: Sequence[Record],
    max_dets: Sequence[int],
    shape: Shape = "bbox",
) -> dict[int, ScoresBySize]:
    """Score COCO results against LVIS ground truth as lvis-api does.

    Args:
        ground_truth: from `coco_form.restrict_to_photos`, with the names each photo was searched for.
        detections: COCO results; may be empty.
        max_dets: limits on the detections of a photo, over all classes (LVIS: 300).
        shape: what must overlap, boxes or masks; for masks both sides need a `segmentation`.

    Returns:
        The scores for each limit; classes are in the order of the ground truth's categories.
    """
    scores = {}
    for limit in sorted(set(max_dets)):
        best = best_of_each_photo(detections, limit)
        counted = [one for one in searched_for(ground_truth, best) if _has_area(one, shape)]
        scores[limit] = scores_by_size(_precision(ground_truth, counted, limit, shape))
    return scores


def best_of_each_photo(detections: Iterable[Record], limit: int) -> list[Record]:
    """The `limit` highest-scored detections of each photo; of equal scores the first."""
    found = grouped(detections, "image_id")
    return [one for here in found.values() for one in sorted(here, key=lambda one: -one["score"])[:limit]]


def _precision(
    ground_truth: Mapping[str, Any], detections: Iterable[Record], limit: int, shape: Shape
) -> np.ndarray:
    """Precision `(T IoUs, R recalls, C classes, A areas)`; -1 where there is no object.

    One class at a time: an evaluation allocates an entry for each photo and class, 24 million for LVIS.
    """
    photos = {photo["id"]: photo for photo in ground_truth["images"]}
    objects = grouped(ground_truth["annotations"], "category_id")
    found = grouped(detections, "category_id")
    lenient_pairs = not_exhaustive(ground_truth)
    of_classes = []
    for category in ground_truth["categories"]:
        own, results = objects.get(category["id"], []), found.get(category["id"], [])
        here = {one["image_id"] for one in (*own, *results)}
        dataset = {
            "images": [_searched(photos[id_], category["id"], lenient_pairs) for id_ in here],
            "categories": [{**category, "frequency": "f"}],  # required, and not used for precision
            "annotations": own,
        }
        with contextlib.redirect_stdout(io.StringIO()):
            truth = load_annotations(dataset)
            run = COCOeval_faster(truth, load_results(truth, results, shape), shape, lvis_style=True)
            run.params.maxDets = [limit]
            run.evaluate()
            run.accumulate()
        of_classes.append(run.eval["precision"][:, :, 0, :, 0])
    return np.stack(of_classes, axis=2)


def _searched(photo: Record, category_id: int, lenient_pairs: Collection[tuple[int, int]]) -> Record:
    """The photo as searched for the category; not exhaustively where some objects may have no box."""
    lenient = [category_id] if (photo["id"], category_id) in lenient_pairs else []
    return {**photo, "neg_category_ids": [category_id], "not_exhaustive_category_ids": lenient}


def _has_area(detection: Record, shape: Shape) -> bool:
    """Whether a detection has an area; lvis-api ignores those without."""
    if shape == "segm":
        return bool(coco_mask.area(detection["segmentation"]) > 0)
    return detection["bbox"][2] * detection["bbox"][3] > 0
