"""PASCAL VOC's average precision, by the rules of its development kit, which are not COCO's.

In order of score, a box is matched with the object of its class that it overlaps most. Below the IoU it is a
false positive. Else it is a true positive if the object is free, a false positive if another box has it, and
ignored if the object is difficult. (COCO lets it take another object that it overlaps, and measures the
overlap with ignored objects relative to the box.) See Everingham et al., "The PASCAL Visual Object Classes
Challenge", IJCV 2010.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from ezsd.evaluation.average_precision import ClassScores, Shape
from ezsd.evaluation.coco_form import Record, grouped

IOUS = np.arange(50, 100, 5) / 100
_OVERLAPPING = {"bbox": "bbox", "segm": "segmentation"}


@dataclass(frozen=True)
class VocScores(ClassScores):
    """The area under each class's curve, VOC's measure since 2010; float64 `(C,)` in [0, 1].

    Attributes:
        ap50_11_points: VOC 2007's measure: mean precision at recall 0, 0.1 .. 1. Few-shot results on VOC
            2007's test photos are published in it.
    """

    ap50_11_points: np.ndarray


def score_detections(
    ground_truth: Mapping[str, Any],
    detections: Sequence[Record],
    max_dets: Sequence[int],
    shape: Shape = "bbox",
) -> dict[int, VocScores]:
    """Score COCO results against COCO ground truth by VOC's rules.

    Args:
        ground_truth: from `coco_form.restrict_to_photos`; VOC's difficult objects are `iscrowd`.
        detections: COCO results; may be empty.
        max_dets: limits on the detections of a class in a photo.
        shape: what must overlap, boxes or masks.

    Returns:
        The scores for each limit; classes are in the order of the ground truth's categories. NaN for a class
        that has only difficult objects or none.
    """
    objects = grouped(ground_truth["annotations"], "category_id")
    found = grouped(detections, "category_id")
    ids = [category["id"] for category in ground_truth["categories"]]
    key = _OVERLAPPING[shape]
    return {
        limit: _table([_score_class(objects.get(id_, []), found.get(id_, []), limit, key) for id_ in ids])
        for limit in sorted(set(max_dets))
    }


def area_under_curve(right: np.ndarray, wrong: np.ndarray, objects: int) -> float:
    """VOC's average precision since 2010: the area under the precision envelope.

    Args:
        right: bool `(N,)`, true positives, highest score first.
        wrong: bool `(N,)`, false positives; an ignored box is neither.
        objects: number of objects; at least one.
    """
    recall, precision = _curve(right, wrong, objects)
    return float((np.diff(recall, prepend=0) * precision).sum())


def eleven_points(right: np.ndarray, wrong: np.ndarray, objects: int) -> float:
    """VOC 2007's average precision: mean precision at 11 recalls; arguments as for `area_under_curve`."""
    recall, precision = _curve(right, wrong, objects)
    rows = np.searchsorted(recall, np.arange(11) / 10)
    return float(np.append(precision, 0)[rows].mean())


def _curve(right: np.ndarray, wrong: np.ndarray, objects: int) -> tuple[np.ndarray, np.ndarray]:
    """Recall after each box, and the highest precision at that recall or above: `(N,)` both."""
    found, counted = np.cumsum(right), np.cumsum(right | wrong)
    precision = found / np.maximum(counted, 1)
    return found / objects, np.maximum.accumulate(precision[::-1])[::-1]


def _score_class(objects: Sequence[Record], boxes: Sequence[Record], limit: int, key: str) -> np.ndarray:
    """AP of a class at each of `IOUS`, then 11-point AP at the first: `(T + 1,)`."""
    count = sum(not one["iscrowd"] for one in objects)
    if not count:
        return np.full(len(IOUS) + 1, np.nan)
    right, wrong = _match(grouped(objects, "image_id"), grouped(boxes, "image_id"), limit, key)
    areas = [area_under_curve(*matches, count) for matches in zip(right, wrong, strict=True)]
    return np.array([*areas, eleven_points(right[0], wrong[0], count)])


def _match(
    objects: Mapping[int, Sequence[Record]], boxes: Mapping[int, Sequence[Record]], limit: int, key: str
) -> tuple[np.ndarray, np.ndarray]:
    """True and false positives of one class at each of `IOUS`: bool `(T, N)` both, highest score first."""
    scores, right, wrong = [np.zeros(0)], [np.zeros((len(IOUS), 0), bool)], [np.zeros((len(IOUS), 0), bool)]
    for image_id, here in boxes.items():
        best = sorted(here, key=lambda one: -one["score"])[:limit]
        of_photo = _match_photo(objects.get(image_id, []), best, key)
        scores.append(np.array([one["score"] for one in best]))
        right.append(of_photo[0])
        wrong.append(of_photo[1])
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return np.concatenate(right, axis=1)[:, order], np.concatenate(wrong, axis=1)[:, order]


def _match_photo(
    objects: Sequence[Record], boxes: Sequence[Record], key: str
) -> tuple[np.ndarray, np.ndarray]:
    """Same as `_match` for one photo; `boxes` are sorted by score."""
    if not objects:
        return np.zeros((len(IOUS), len(boxes)), bool), np.ones((len(IOUS), len(boxes)), bool)
    iou = coco_mask.iou([one[key] for one in boxes], [one[key] for one in objects], [0] * len(objects))
    nearest, difficult = iou.argmax(axis=1), np.array([bool(one["iscrowd"]) for one in objects])
    overlaps = iou.max(axis=1) >= IOUS[:, None]
    right = np.stack([_first_takers(nearest, hits & ~difficult[nearest]) for hits in overlaps])
    return right, ~right & ~(overlaps & difficult[nearest])


def _first_takers(nearest: np.ndarray, takes: np.ndarray) -> np.ndarray:
    """bool `(N,)`: whether a box is the first to take its nearest object `(N,)`."""
    rows = np.flatnonzero(takes)
    first = np.zeros(len(takes), bool)
    first[rows[np.unique(nearest[rows], return_index=True)[1]]] = True
    return first


def _table(of_classes: Sequence[np.ndarray]) -> VocScores:
    values = np.stack(of_classes)
    areas = values[:, : len(IOUS)]
    return VocScores(
        ap=areas.mean(axis=1), ap50=areas[:, 0], ap75=areas[:, 5], ap50_11_points=values[:, len(IOUS)]
    )
