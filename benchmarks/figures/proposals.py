"""Idea 2: a photo's anchors by the teacher's certainty, after NMS, and after the base filters."""

import math
from itertools import islice
from typing import NamedTuple

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from benchmarks.figures.finished_run import FinishedRun
from benchmarks.figures.sheet import (
    BASE,
    GREY,
    NOVEL,
    PAPER,
    Colour,
    Line,
    Words,
    beside,
    draw_lines,
    enlarged,
    faded,
)
from ezsd.boxes import iou_xyxy, max_iou_xyxy, nms_xyxy
from ezsd.mining.anchors import anchor_boxes_xyxy, fit_scale
from ezsd.mining.score import certainty, name_probabilities
from ezsd.pipeline.data.world.scenes import SceneObject
from ezsd.stages.pages.drawing import score_colour
from ezsd.teacher.box_encoder import BoxEncoder

ZOOM = 2
SMALLEST = 36.0
"""Px; scenes with objects of a shorter side are hard to make out on a page."""
TRIED = 20
"""Mixed scenes that are mined to choose from."""
DRAWN = 40
"""Boxes drawn of those that remain after NMS; more would hide the photo."""
COVERED_IOU = 0.5
SCALE = 1
"""Which of the anchors' scales is shown: the second smallest."""
REST: Colour = (235, 160, 90)


class Mining(NamedTuple):
    """The mining of one photo.

    Attributes:
        anchors, scores: (A, 4) float32 and (A,), with their certainty.
        kept: (K,) rows of anchors after NMS, best first.
        on_base, labels: (K,), whether each is on a base box, and its name.
        proposals: (P,) rows of `kept`.
    """

    photo: Tensor
    objects: tuple[SceneObject, ...]
    anchors: Tensor
    scores: Tensor
    kept: Tensor
    on_base: Tensor
    labels: Tensor
    proposals: Tensor

    @property
    def proposal_boxes_xyxy(self) -> Tensor:
        """(P, 4)"""
        return self.anchors[self.kept[self.proposals]]


def draw(run: FinishedRun) -> Image.Image:
    """Of some mixed training scenes, the one whose novel objects are covered and named best by proposals."""
    mixed = ((photo, objects) for photo, objects in run.photos("train") if _is_mixed(objects, run))
    mined = (_mine(photo, objects, run) for photo, objects in islice(mixed, TRIED))
    found = max(mined, key=lambda one: _found_fraction(one, run))
    height, width = found.photo.shape[1:]
    canvas = faded(enlarged(found.photo, (width * ZOOM, height * ZOOM)))
    panels = [canvas.copy() for _ in range(3)]
    _draw_certainty(panels[0], found, run)
    draw_lines(panels[1], _after_nms(found, run), ZOOM)
    draw_lines(panels[2], _proposals(found, run), ZOOM)
    titles = (
        [
            [Words(f"1. {len(found.anchors):,} anchors: certainty of those")],
            [Words("of one size (yellow is sure)")],
        ],
        [
            [Words(f"2. the best {DRAWN} of {len(found.kept):,} after NMS:")],
            [
                Words("on a base box", BASE),
                Words(", "),
                Words("base name", GREY),
                Words(", "),
                Words("the rest", NOVEL),
            ],
        ],
        [
            [Words(f"3. the first {len(found.proposals)} of the rest, "), Words("on novel", NOVEL)],
            [
                Words("objects", NOVEL),
                Words(" and "),
                Words("elsewhere", REST),
                Words("; "),
                Words("base boxes", BASE),
            ],
        ],
    )
    return beside(panels, titles)


def _mine(photo: Tensor, objects: tuple[SceneObject, ...], run: FinishedRun) -> Mining:
    """Mine as `ezsd.mining.exhaustive` does, keeping the dropped boxes too."""
    mine, size = run.mine, (photo.shape[1], photo.shape[2])
    scale = fit_scale(size, mine.long_side, mine.short_side)
    anchors = anchor_boxes_xyxy(size, scale, mine.stride, mine.scales, mine.ratios)
    scores = certainty(_probabilities(photo, anchors, 1.0, run))
    kept = nms_xyxy(anchors, scores, mine.nms_iou, mine.post_nms_top_n)
    on_base = max_iou_xyxy(anchors[kept], _boxes(objects, run, base=True)) >= mine.base_iou
    labels = _probabilities(photo, anchors[kept], mine.context_factor, run).argmax(dim=1)
    left = (~on_base & (labels >= len(run.split.base))).nonzero()[:, 0]
    return Mining(photo, objects, anchors, scores, kept, on_base, labels, left[: mine.keep])


def _probabilities(photo: Tensor, boxes_xyxy: Tensor, context_factor: float, run: FinishedRun) -> Tensor:
    encoder = BoxEncoder(run.tuned.teacher, run.mine.batch)
    embeddings = encoder.encode(photo, boxes_xyxy, context_factor)
    return name_probabilities(embeddings, run.tuned.text, run.tuned.teacher.logit_scale)


def _boxes(objects: tuple[SceneObject, ...], run: FinishedRun, base: bool) -> Tensor:
    """Return base or novel boxes of a scene, (M, 4)."""
    boxes = [each.box_xyxy for each in objects if run.is_base(each.category) == base]
    return torch.tensor(boxes).reshape(-1, 4)


def _is_mixed(objects: tuple[SceneObject, ...], run: FinishedRun) -> bool:
    large = [min(x1 - x0, y1 - y0) >= SMALLEST for x0, y0, x1, y1 in (each.box_xyxy for each in objects)]
    novel = len(_boxes(objects, run, base=False))
    return all(large) and not any(each.crowd for each in objects) and novel >= 2 and len(objects) - novel >= 2


def _found_fraction(found: Mining, run: FinishedRun) -> float:
    """Return the fraction of novel objects whose best proposal covers them and has their name."""
    if len(found.proposals) == 0:
        return 0.0
    overlap, rows = iou_xyxy(found.proposal_boxes_xyxy, _boxes(found.objects, run, base=False)).max(dim=0)
    names = [run.split.names[label] for label in found.labels[found.proposals[rows]].tolist()]
    truth = [each.category for each in found.objects if not run.is_base(each.category)]
    named = torch.tensor([name == true for name, true in zip(names, truth, strict=True)])
    return float(((overlap >= COVERED_IOU) & named).float().mean())


def _draw_certainty(panel: Image.Image, found: Mining, run: FinishedRun) -> None:
    """Colour each cell by its anchors of one scale, and draw the anchors of one cell."""
    mine, size = run.mine, (found.photo.shape[1], found.photo.shape[2])
    cell = mine.stride / fit_scale(size, mine.long_side, mine.short_side) * ZOOM
    columns = math.ceil(panel.width / cell)
    shape = (-1, len(mine.scales), len(mine.ratios))
    scores = found.scores.reshape(shape)[:, SCALE].mean(dim=1)
    tint = Image.new("RGB", panel.size)
    pen = ImageDraw.Draw(tint)
    for place, share in enumerate(((scores - scores.min()) / (scores.max() - scores.min())).tolist()):
        x, y = place % columns * cell, place // columns * cell
        pen.rectangle((x, y, x + cell, y + cell), fill=score_colour(share))
    panel.paste(Image.blend(panel, tint, 0.5))
    boxes = found.anchors.reshape(*shape, 4)[int(scores.argmax()), SCALE]
    draw_lines(panel, [Line(box, PAPER, 3) for box in boxes], ZOOM)


def _after_nms(found: Mining, run: FinishedRun) -> list[Line]:
    lines = []
    for place in reversed(range(min(DRAWN, len(found.kept)))):
        base_named = int(found.labels[place]) < len(run.split.base)
        colour = BASE if found.on_base[place] else GREY if base_named else NOVEL
        lines.append(Line(found.anchors[found.kept[place]], colour, 2))
    return lines


def _proposals(found: Mining, run: FinishedRun) -> list[Line]:
    """Return lines of base boxes and proposals; the best on each novel object is named."""
    novel = _boxes(found.objects, run, base=False)
    overlap = iou_xyxy(found.proposal_boxes_xyxy, novel)
    best = set(overlap.argmax(dim=0).tolist())
    names = [run.split.names[label] for label in found.labels[found.proposals].tolist()]
    rest = [Line(box, REST, 2) for box in found.proposal_boxes_xyxy[overlap.amax(dim=1) < COVERED_IOU]]
    bases = [Line(box, BASE, 4) for box in _boxes(found.objects, run, base=True)]
    on_novel = [
        Line(found.proposal_boxes_xyxy[row], NOVEL, 4, names[row] if row in best else "")
        for row in (overlap.amax(dim=1) >= COVERED_IOU).nonzero()[:, 0].tolist()
    ]
    return rest + bases + on_novel
