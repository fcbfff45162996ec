"""The surest mistakes and the largest misses as pictures, base and novel apart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from ezsd.boxes import iou_xyxy, xywh_to_xyxy
from ezsd.evaluation.coco_form import Record, grouped
from ezsd.evaluation.error_types import (
    BACKGROUND,
    MISSED,
    WRONG_BOTH,
    WRONG_CLASS,
    WRONG_PLACE,
    photo_errors,
)
from ezsd.pipeline.data.sources import PhotoFolder
from ezsd.pipeline.evaluation_files import EvaluationFolder
from ezsd.split import Split
from ezsd.stages.pages.cutouts import cutout
from ezsd.stages.pages.report.pictures import Picture

KINDS = (WRONG_CLASS, WRONG_PLACE, WRONG_BOTH, BACKGROUND)
OF_EACH_KIND = 3
MISSES = 12
_TOUCHED_IOU = 0.1
_FOUND_IOU = 0.5


@dataclass(frozen=True)
class ErrorPicture:
    """A detection that is wrong, or an object that was missed.

    Attributes:
        kind: one of `KINDS`, or `MISSED`.
        image_id: of the photo.
        name: of the detection, or of the missed object.
        score: of the detection; of the best detection at a missed object, None without one.
        truth: names of the objects that a detection covers, with an IoU of at least 0.5.
        picture: of the box, and of the objects that it overlaps with their names; it leads to the proposals
            of `name`, if there are any.
    """

    kind: str
    image_id: int
    name: str
    score: float | None
    truth: Sequence[str]
    picture: Picture


@dataclass(frozen=True)
class ErrorPictures:
    """What is shown of one group: the mistakes by kind, highest score first, and the largest misses."""

    mistakes: Sequence[ErrorPicture]
    misses: Sequence[ErrorPicture]


def error_pictures(
    evaluated: EvaluationFolder, split: Split, folder: PhotoFolder, links: Mapping[str, str]
) -> dict[str, ErrorPictures]:
    """Draw the surest mistakes and the largest misses of `base` and of `novel` names.

    Mistakes are among the detections that count for the kinds of errors, the `OF_EACH_KIND` with the highest
    scores. An object is as large as its share of the photo.

    Args:
        evaluated: detections and ground truth.
        split: base and novel names.
        folder: of the validation photos.
        links: address of the proposals of a name, for names that have any.
    """
    drawer = _Drawer(evaluated.ground_truth, evaluated.detections, split, folder, links)
    mistakes: dict[tuple[str, str], list[Record]] = {}
    misses: dict[str, list[Record]] = {}
    for photo in photo_errors(evaluated.ground_truth, evaluated.detections):
        for box, kind in zip(photo.boxes, photo.kinds, strict=True):
            mistakes.setdefault((drawer.group(box), kind), []).append(box)
        for one, outcome in zip(photo.objects, photo.outcomes, strict=True):
            if outcome == MISSED:
                misses.setdefault(drawer.group(one), []).append(one)
    return {
        group: ErrorPictures(
            [drawer.mistake(kind, box) for kind in KINDS for box in _surest(mistakes.get((group, kind), ()))],
            [drawer.miss(one) for one in sorted(misses.get(group, ()), key=drawer.share)[-MISSES:][::-1]],
        )
        for group in ("base", "novel")
    }


def _surest(boxes: Iterable[Record]) -> list[Record]:
    return sorted(boxes, key=lambda box: -box["score"])[:OF_EACH_KIND]


class _Drawer:
    """Draws boxes of the validation photos."""

    def __init__(
        self,
        ground_truth: Mapping[str, Any],
        detections: Sequence[Record],
        split: Split,
        folder: PhotoFolder,
        links: Mapping[str, str],
    ) -> None:
        self._names = {category["id"]: category["name"] for category in ground_truth["categories"]}
        self._photos = {photo["id"]: photo for photo in ground_truth["images"]}
        single = (one for one in ground_truth["annotations"] if not one["iscrowd"])
        self._objects, self._found = grouped(single, "image_id"), grouped(detections, "image_id")
        self._novel, self._folder, self._links = frozenset(split.novel), folder, links

    def group(self, record: Record) -> str:
        return "novel" if self._name(record) in self._novel else "base"

    def share(self, record: Record) -> float:
        """Of the photo's area."""
        photo = self._photos[record["image_id"]]
        return float(record["bbox"][2] * record["bbox"][3] / (photo["width"] * photo["height"]))

    def mistake(self, kind: str, box: Record) -> ErrorPicture:
        objects = self._objects.get(box["image_id"], [])
        truth = [self._name(one) for one in _overlapping(box, objects, _FOUND_IOU)]
        touched = _overlapping(box, objects, _TOUCHED_IOU)
        return self._picture(kind, box, float(box["score"]), truth, touched)

    def miss(self, record: Record) -> ErrorPicture:
        found = _overlapping(record, self._found.get(record["image_id"], []), _FOUND_IOU)
        own = [float(box["score"]) for box in found if box["category_id"] == record["category_id"]]
        return self._picture(MISSED, record, max(own, default=None))

    def _picture(
        self,
        kind: str,
        record: Record,
        score: float | None,
        truth: Sequence[str] = (),
        others: Sequence[Record] = (),
    ) -> ErrorPicture:
        photo, name = self._photos[record["image_id"]], self._name(record)
        drawn = [record, *others]
        picture = cutout(
            self._folder,
            photo["file_name"],
            (photo["width"], photo["height"]),
            _corners(drawn).tolist(),
            ["", *map(self._name, others)],
            [self.group(one) == "novel" for one in drawn],
            f"{kind}: {name} on photo {photo['id']}",
        )
        linked = replace(picture, link=self._links.get(name))
        return ErrorPicture(kind, photo["id"], name, score, truth, linked)

    def _name(self, record: Record) -> str:
        return str(self._names[record["category_id"]])


def _overlapping(record: Record, others: Sequence[Record], least_iou: float) -> list[Record]:
    iou = iou_xyxy(_corners([record]), _corners(others))[0]
    return [other for other, value in zip(others, iou.tolist(), strict=True) if value >= least_iou]


def _corners(records: Sequence[Record]) -> torch.Tensor:
    return xywh_to_xyxy(torch.tensor([one["bbox"] for one in records], dtype=torch.float64).reshape(-1, 4))
