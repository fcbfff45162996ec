"""Kinds of errors: the outcome of each object, and detections on background.

The operating point needs no threshold (as in Hoiem et al., "Diagnosing Error in Object Detectors", ECCV
2012): of each class the N highest-scored boxes of all photos count, where N is its number of objects. In
order of score, a box takes the free object of its class that it overlaps most, at an IoU of at least 0.5. An
object is

- found: a box of its class took it;
- wrong class: else, a counted box of another class that took no object overlaps it by 0.5;
- wrong place: else, a counted box of its class that took no object overlaps it by 0.1;
- missed: otherwise.

A counted box that took no object is a duplicate if it overlaps an object of its class by 0.5. Else it is of
the wrong class if it overlaps another object by 0.5, in the wrong place if it overlaps one of its class by
0.1, both if it overlaps another by 0.1, and otherwise background, an error of the box's class. Boxes with
half of their area or more in a crowd region of their class are ignored. With LVIS, boxes of classes that the
photo was not searched for are ignored too, and background of classes that are not annotated exhaustively.
The names follow TIDE (Bolya et al., ECCV 2020); unlike there, a duplicate of a found object is no error.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ezsd.boxes import box_area, iou_xyxy, xywh_to_xyxy
from ezsd.evaluation.coco_form import Record, grouped, not_exhaustive, searched_for
from ezsd.evaluation.groups import GROUPS, as_percent
from ezsd.split import Split

FOUND, WRONG_CLASS, WRONG_PLACE, MISSED = OUTCOMES = ("found", "wrong class", "wrong place", "missed")
WRONG_BOTH, BACKGROUND, DUPLICATE = "wrong class and place", "background", "duplicate"
KINDS = (*OUTCOMES, BACKGROUND)
UNKNOWN = "of a class that is not annotated exhaustively"
_FOUND_IOU = 0.5
_TOUCHED_IOU = 0.1


@dataclass(frozen=True)
class ErrorRow:
    """One row of the table of errors.

    Attributes:
        group: `base`, `novel` or `all`.
        kind: one of `OUTCOMES`, or `BACKGROUND`.
        count: objects, or boxes on background.
        percent: of the group's objects; None if it has none. Outcomes add up to 100, without background.
    """

    group: str
    kind: str
    count: int
    percent: float | None


@dataclass(frozen=True)
class PhotoErrors:
    """What became of the objects and of the counted boxes of one photo.

    Attributes:
        image_id: of the photo.
        objects: annotations, without crowd regions.
        outcomes: one of `OUTCOMES` for each object.
        boxes: counted detections, highest score first.
        kinds: of each box: `FOUND`, `DUPLICATE`, `WRONG_CLASS`, `WRONG_PLACE`, `WRONG_BOTH`, `BACKGROUND`, or
            `UNKNOWN`: background of a class of which some objects may have no box.
    """

    image_id: int
    objects: Sequence[Record]
    outcomes: Sequence[str]
    boxes: Sequence[Record]
    kinds: Sequence[str]


def count_errors(
    ground_truth: Mapping[str, Any], detections: Sequence[Record], split: Split
) -> list[ErrorRow]:
    """Count outcomes of objects and background boxes, for base, novel and all.

    Args:
        ground_truth: from `coco_form.restrict_to_photos`.
        detections: COCO results of its photos.
        split: base and novel names.
    """
    categories, names = ground_truth["categories"], frozenset(split.novel)
    novel = {category["id"] for category in categories if category["name"] in names}
    totals: Counter[tuple[str, str]] = Counter()
    for photo in photo_errors(ground_truth, detections):
        counted = [
            *zip(photo.objects, photo.outcomes, strict=True),
            *((box, kind) for box, kind in zip(photo.boxes, photo.kinds, strict=True) if kind == BACKGROUND),
        ]
        for record, kind in counted:
            group = "novel" if record["category_id"] in novel else "base"
            totals.update([(group, kind), ("all", kind)])
    return [_row(group, kind, totals) for group in GROUPS for kind in KINDS]


def photo_errors(ground_truth: Mapping[str, Any], detections: Sequence[Record]) -> Iterator[PhotoErrors]:
    """The outcome of each object and the kind of each counted box, for photos that have either, by id.

    Args:
        ground_truth: from `coco_form.restrict_to_photos`.
        detections: COCO results of its photos.
    """
    single = [box for box in ground_truth["annotations"] if not box["iscrowd"]]
    objects = grouped(single, "image_id")
    crowds = grouped((box for box in ground_truth["annotations"] if box["iscrowd"]), "image_id")
    considered = searched_for(ground_truth, detections)
    outside = [box for box in considered if not _in_crowd(box, crowds.get(box["image_id"], []))]
    needed = Counter(box["category_id"] for box in single)
    counted = grouped(_best_of_each_class(outside, needed), "image_id")
    lenient = not_exhaustive(ground_truth)
    for image_id in sorted(objects.keys() | counted.keys()):
        here, boxes = objects.get(image_id, []), counted.get(image_id, [])
        outcomes, kinds = _errors_of(here, boxes)
        for place, box in enumerate(boxes):
            if kinds[place] == BACKGROUND and (image_id, box["category_id"]) in lenient:
                kinds[place] = UNKNOWN
        yield PhotoErrors(image_id, here, outcomes, boxes, kinds)


def _errors_of(objects: Sequence[Record], boxes: Sequence[Record]) -> tuple[list[str], list[str]]:
    """The outcome of each object of one photo, and the kind of each of its boxes, highest score first."""
    iou = iou_xyxy(_corners(objects), _corners(boxes))
    same = _classes(objects)[:, None] == _classes(boxes)[None]
    taker = _match(iou, same)
    spare = torch.ones(len(boxes), dtype=torch.bool)
    spare[taker[taker >= 0]] = False
    found, touched = iou >= _FOUND_IOU, iou >= _TOUCHED_IOU
    outcomes = [
        FOUND if took >= 0 else WRONG_CLASS if other else WRONG_PLACE if near else MISSED
        for took, other, near in zip(
            taker.tolist(),
            (found & ~same & spare).any(dim=1).tolist(),
            (touched & same & spare).any(dim=1).tolist(),
            strict=True,
        )
    ]
    errors = {
        DUPLICATE: found & same,
        WRONG_CLASS: found & ~same,
        WRONG_PLACE: touched & same,
        WRONG_BOTH: touched & ~same,
    }
    kinds = [
        next((kind for kind, pairs in errors.items() if pairs[:, box].any()), BACKGROUND)
        if spare[box]
        else FOUND
        for box in range(len(boxes))
    ]
    return outcomes, kinds


def _corners(records: Sequence[Record]) -> Tensor:
    boxes_xywh = torch.tensor([one["bbox"] for one in records], dtype=torch.float64)
    return xywh_to_xyxy(boxes_xywh.reshape(-1, 4))


def _classes(records: Sequence[Record]) -> Tensor:
    return torch.tensor([one["category_id"] for one in records], dtype=torch.int64)


def _match(iou: Tensor, same: Tensor) -> Tensor:
    """For each object the box that takes it, or -1: `(N,)`. Boxes are columns and choose in order."""
    taker = torch.full((len(iou),), -1)
    for box in range(iou.shape[1]):
        free = torch.where(same[:, box] & (taker < 0), iou[:, box], 0)
        if len(free) and free.max() >= _FOUND_IOU:
            taker[free.argmax()] = box
    return taker


def _best_of_each_class(detections: Iterable[Record], needed: Mapping[int, int]) -> list[Record]:
    """The highest-scored boxes of each class, as many as it has objects, highest score first."""
    left = Counter(needed)
    best = []
    for box in sorted(detections, key=lambda box: -box["score"]):
        if left[box["category_id"]] > 0:
            left[box["category_id"]] -= 1
            best.append(box)
    return best


def _in_crowd(box: Record, crowds: Sequence[Record]) -> bool:
    """Whether half of a detection is in a crowd region of its class; COCO ignores it then at IoU 0.5."""
    same = [crowd for crowd in crowds if crowd["category_id"] == box["category_id"]]
    if not same:
        return False
    own, detection = _corners(same), _corners([box])
    corner = torch.maximum(own[:, :2], detection[:, :2])
    inside = torch.cat([corner, torch.minimum(own[:, 2:], detection[:, 2:]).maximum(corner)], dim=1)
    return bool((box_area(inside) >= _FOUND_IOU * box_area(detection)).any())


def _row(group: str, kind: str, totals: Mapping[tuple[str, str], int]) -> ErrorRow:
    objects = sum(totals[group, outcome] for outcome in OUTCOMES)
    count = totals[group, kind]
    return ErrorRow(group, kind, count, as_percent(count / objects) if objects else None)
