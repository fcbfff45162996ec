"""Kinds of errors: the outcome of each object, and detections on background.

The operating point needs no threshold (as in Hoiem et al., "Diagnosing Error in Object Detectors", ECCV
2012): of each class the N highest-scored boxes of all photos count, where N is its number of objects. In
order of score, a box takes the free object of its class that it overlaps most, at an IoU of at least 0.5. An
object is

- found: a box of its class took it;
- wrong class: else, a counted box of another class that took no object overlaps it by 0.5;
- wrong place: else, a counted box of its class that took no object overlaps it by 0.1;
- missed: otherwise.

A counted box that overlaps no object of any class by 0.1 is background, an error of the box's class. Boxes
with half of their area or more in a crowd region of their class are ignored. With LVIS, boxes of classes that
the photo was not searched for are ignored too, and background of classes that are not annotated exhaustively.
The names follow TIDE (Bolya et al., ECCV 2020); unlike there, a duplicate of a found object is no error.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ezsd.boxes import box_area, iou_xyxy, xywh_to_xyxy
from ezsd.evaluation.coco_form import Record, not_exhaustive, searched_for
from ezsd.evaluation.groups import GROUPS, as_percent
from ezsd.split import Split

OUTCOMES = ("found", "wrong class", "wrong place", "missed")
BACKGROUND = "background"
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
class Boxes:
    """Boxes of one photo.

    Attributes:
        xyxy: float64 `(N, 4)` pixels.
        classes: int64 `(N,)`, index into the categories.
    """

    xyxy: Tensor
    classes: Tensor


def count_errors(
    ground_truth: Mapping[str, Any], detections: Sequence[Record], split: Split
) -> list[ErrorRow]:
    """Count outcomes of objects and background boxes, for base, novel and all.

    Args:
        ground_truth: from `coco_form.restrict_to_photos`; categories in the order of `split.names`.
        detections: COCO results of its photos.
        split: base and novel names.
    """
    class_of = {category["id"]: row for row, category in enumerate(ground_truth["categories"])}
    single = [box for box in ground_truth["annotations"] if not box["iscrowd"]]
    crowds = _by_photo((box for box in ground_truth["annotations"] if box["iscrowd"]), class_of)
    objects = _by_photo(single, class_of)
    considered = searched_for(ground_truth, detections)
    outside = [box for box in considered if not _in_crowd(box, crowds.get(box["image_id"]), class_of)]
    needed = Counter(class_of[box["category_id"]] for box in single)
    counted = _by_photo(_best_of_each_class(outside, needed, class_of), class_of)
    lenient_pairs = {(image_id, class_of.get(id_)) for image_id, id_ in not_exhaustive(ground_truth)}
    totals: Counter[tuple[str, str]] = Counter()
    for image_id in objects.keys() | counted.keys():
        nothing = Boxes(torch.empty(0, 4, dtype=torch.float64), torch.empty(0, dtype=torch.int64))
        here, boxes = objects.get(image_id, nothing), counted.get(image_id, nothing)
        outcomes, background = photo_outcomes(here, boxes)
        for outcome, label in zip(outcomes, here.classes.tolist(), strict=True):
            totals.update((group, outcome) for group in _groups_of(label, split))
        for label in boxes.classes[background].tolist():
            if (image_id, label) in lenient_pairs:
                continue
            totals.update((group, BACKGROUND) for group in _groups_of(label, split))
    return [_row(group, kind, totals) for group in GROUPS for kind in (*OUTCOMES, BACKGROUND)]


def photo_outcomes(objects: Boxes, boxes: Boxes) -> tuple[list[str], Tensor]:
    """The outcome of each object of one photo, and which boxes are background, bool `(M,)`.

    `boxes` are the counted ones, highest score first.
    """
    iou = iou_xyxy(objects.xyxy, boxes.xyxy)
    same = objects.classes[:, None] == boxes.classes[None]
    taker = _match(iou, same)
    spare = torch.ones(len(boxes.classes), dtype=torch.bool)
    spare[taker[taker >= 0]] = False
    renamed = ((iou >= _FOUND_IOU) & ~same & spare).any(dim=1)
    displaced = ((iou >= _TOUCHED_IOU) & same & spare).any(dim=1)
    outcomes = [
        OUTCOMES[0] if took >= 0 else OUTCOMES[1] if other else OUTCOMES[2] if near else OUTCOMES[3]
        for took, other, near in zip(taker.tolist(), renamed.tolist(), displaced.tolist(), strict=True)
    ]
    return outcomes, ~(iou >= _TOUCHED_IOU).any(dim=0)


def _match(iou: Tensor, same: Tensor) -> Tensor:
    """For each object the box that takes it, or -1: `(N,)`. Boxes are columns and choose in order."""
    taker = torch.full((len(iou),), -1)
    for box in range(iou.shape[1]):
        free = torch.where(same[:, box] & (taker < 0), iou[:, box], 0)
        if len(free) and free.max() >= _FOUND_IOU:
            taker[free.argmax()] = box
    return taker


def _best_of_each_class(
    detections: Iterable[Record], needed: Mapping[int, int], class_of: Mapping[int, int]
) -> list[Record]:
    """The highest-scored boxes of each class, as many as it has objects, highest score first."""
    left = Counter(needed)
    best = []
    for box in sorted(detections, key=lambda box: -box["score"]):
        row = class_of[box["category_id"]]
        if left[row] > 0:
            left[row] -= 1
            best.append(box)
    return best


def _by_photo(boxes: Iterable[Record], class_of: Mapping[int, int]) -> dict[int, Boxes]:
    members: dict[int, list[Record]] = defaultdict(list)
    for box in boxes:
        members[box["image_id"]].append(box)
    return {
        image_id: Boxes(
            xywh_to_xyxy(torch.tensor([box["bbox"] for box in here], dtype=torch.float64)),
            torch.tensor([class_of[box["category_id"]] for box in here]),
        )
        for image_id, here in members.items()
    }


def _in_crowd(box: Record, crowds: Boxes | None, class_of: Mapping[int, int]) -> bool:
    """Whether half of a detection is in a crowd region of its class; COCO ignores it then at IoU 0.5."""
    if crowds is None:
        return False
    own = crowds.xyxy[crowds.classes == class_of[box["category_id"]]]
    detection = xywh_to_xyxy(torch.tensor([box["bbox"]], dtype=torch.float64))
    corner = torch.maximum(own[:, :2], detection[:, :2])
    inside = torch.cat([corner, torch.minimum(own[:, 2:], detection[:, 2:]).maximum(corner)], dim=1)
    return bool((box_area(inside) >= _FOUND_IOU * box_area(detection)).any())


def _groups_of(label: int, split: Split) -> tuple[str, str]:
    return ("base" if label < len(split.base) else "novel", "all")


def _row(group: str, kind: str, totals: Mapping[tuple[str, str], int]) -> ErrorRow:
    objects = sum(totals[group, outcome] for outcome in OUTCOMES)
    count = totals[group, kind]
    return ErrorRow(group, kind, count, as_percent(count / objects) if objects else None)
