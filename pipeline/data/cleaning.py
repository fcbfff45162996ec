"""Single boxes that cannot be used are set aside with their reason; those that stick out are clipped."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ezsd.pipeline.data.tables import Boxes, Photos
from ezsd.pipeline.errors import DataError

TRAINING_MIN_SIDE = 1.0
"""Pixels; a box that is smaller on one side has nothing to crop."""

_ROUNDING = 1e-3
"""Pixels by which a box may pass the border through the rounding of x + width alone."""

_SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """Something set aside: `what` it is (photo or box), `where` it stands, and the `reason`."""

    what: str
    where: str
    reason: str

    def as_json(self) -> dict[str, str]:
        """The entry in `quarantine.json`."""
        return asdict(self)


@dataclass(frozen=True)
class CleanBoxes:
    """Usable boxes within their photos, what was set aside, and how many were clipped."""

    boxes: Boxes
    findings: tuple[Finding, ...]
    clipped: int


def clean_boxes(boxes: Boxes, photos: Photos, min_side: float) -> CleanBoxes:
    """Clip boxes to their photos and set aside those that leave nothing to use.

    `min_side`, pixels: the least width and height after clipping; 0 keeps every box that has an area.
    The boxes' images must all be in `photos`. The order of the boxes is kept.
    """
    clipped_xyxy = _clip(boxes, photos)
    reasons = box_problems(boxes, photos, min_side)
    usable = reasons == ""
    moved = np.abs(clipped_xyxy[usable] - boxes.boxes_xyxy[usable]).max(axis=1, initial=0) > _ROUNDING
    kept = boxes.take(usable)
    areas = _areas(kept.areas, clipped_xyxy[usable])
    return CleanBoxes(
        Boxes(kept.annotation_ids, kept.image_ids, kept.labels, clipped_xyxy[usable], areas, kept.crowd),
        tuple(_finding(boxes, int(row), str(reasons[row])) for row in np.flatnonzero(~usable)),
        int(moved.sum()),
    )


def box_problems(boxes: Boxes, photos: Photos, min_side: float) -> NDArray[np.str_]:
    """Why each box cannot be used, (M,); empty where it can. The first reason that holds is given.

    `min_side` and what must hold are those of `clean_boxes`.
    """
    sizes_wh, boxes_xyxy, clipped_xyxy = _sizes_of(boxes, photos), boxes.boxes_xyxy, _clip(boxes, photos)
    with np.errstate(invalid="ignore"):
        sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
        left = clipped_xyxy[:, 2:] - clipped_xyxy[:, :2]
        conditions = [
            ~np.isfinite(boxes_xyxy).all(axis=1),
            (sides <= 0).any(axis=1),
            ((boxes_xyxy[:, :2] >= sizes_wh) | (boxes_xyxy[:, 2:] <= 0)).any(axis=1),
            (left < min_side).any(axis=1) | (left <= 0).any(axis=1),
        ]
    texts = [
        "a coordinate is not a finite number",
        "the box has no area",
        "the box lies outside the photo",
        f"less than {min_side:g} pixel of the box is left on a side",
    ]
    return np.select(conditions, texts, default="")


def named(which: str, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings with the set that they belong to, train or val, before their place."""
    return tuple(replace(finding, where=f"{which} {finding.where}") for finding in findings)


def check_fraction(findings: Sequence[Finding], total: int, limit: float) -> None:
    """Refuse data of which more than the fraction `limit` had to be set aside; all findings are of one kind.

    Raises DataError that shows the first few and names the param.
    """
    if len(findings) <= limit * total:
        return
    what = {"box": "boxes", "photo": "photos"}[findings[0].what]
    first = "; ".join(f"{finding.where}: {finding.reason}" for finding in findings[:_SHOWN])
    raise DataError(
        f"{len(findings)} of {total} {what} cannot be used, more than prepare.max_quarantined_fraction = "
        f"{limit:g} allows; the first: {first}; mend or remove them, or raise that param"
    )


def _clip(boxes: Boxes, photos: Photos) -> NDArray[np.float64]:
    """The boxes cut at the edges of their photos, (M, 4) xyxy."""
    clipped: NDArray[np.float64] = np.clip(boxes.boxes_xyxy, 0, np.tile(_sizes_of(boxes, photos), 2))
    return clipped


def _sizes_of(boxes: Boxes, photos: Photos) -> NDArray[np.float64]:
    """Width and height (M, 2) of each box's photo."""
    order = np.argsort(photos.ids)
    rows = order[np.searchsorted(photos.ids, boxes.image_ids, sorter=order)]
    return photos.sizes_wh[rows].astype(np.float64)


def _areas(stated: NDArray[np.float64], boxes_xyxy: NDArray[np.float64]) -> NDArray[np.float64]:
    """The object's area as stated; the box's where that is missing, as some tools write 0."""
    sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    usable = np.isfinite(stated) & (stated > 0)
    return np.where(usable, stated, sides.prod(axis=1))


def _finding(boxes: Boxes, row: int, reason: str) -> Finding:
    box = ", ".join(f"{value:g}" for value in boxes.boxes_xyxy[row])
    where = f"annotation {boxes.annotation_ids[row]} of image {boxes.image_ids[row]}"
    return Finding("box", where, f"{reason} (x0, y0, x1, y1 = {box})")
