"""The drawn world: web pictures with their names, and scenes with the boxes of base and novel objects."""

from itertools import islice

import torch
from PIL import Image
from torch import Tensor

from benchmarks.figures.finished_run import FinishedRun
from benchmarks.figures.sheet import BASE, NOVEL, PAPER, Line, Words, beside, draw_lines, enlarged
from ezsd.pipeline.data.world.scenes import SceneObject
from ezsd.pipeline.data.world.web import draw_web_picture

NAMES = (
    "striped fish", "framed fish", "hanging fish", "dotted mushroom", "plain boat", "framed boat",
    "hanging tie",
)  # fmt: skip
SCENES = 3
FEWEST, SMALLEST = 6, 24.0
"""Objects of a scene that is shown, and the shorter side of each in pixels."""
PICTURE, ZOOM, GAP = 230, 2, 18


def draw(run: FinishedRun) -> Image.Image:
    """Draw a row of web pictures above a row of scenes."""
    rows = [_web_row(run), _scene_row(run)]
    sheet = Image.new("RGB", (max(row.width for row in rows), sum(row.height + GAP for row in rows)), PAPER)
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height + GAP
    return sheet


def _web_row(run: FinishedRun) -> Image.Image:
    pictures = [draw_web_picture(run.seed, "val", 0, [name]).image for name in NAMES]
    panels = [Image.fromarray(one).resize((PICTURE, PICTURE), Image.Resampling.BICUBIC) for one in pictures]
    return beside(panels, [[[Words(name, BASE if run.is_base(name) else NOVEL)]] for name in NAMES], GAP)


def _scene_row(run: FinishedRun) -> Image.Image:
    clear = ((photo, objects) for photo, objects in run.photos("val") if _is_clear(run, photo, objects))
    panels = []
    for photo, objects in islice(clear, SCENES):
        picture = enlarged(photo, (photo.shape[2] * ZOOM, photo.shape[1] * ZOOM))
        colours = [BASE if run.is_base(thing.category) else NOVEL for thing in objects]
        lines = [
            Line(torch.tensor(thing.box_xyxy), colour, 3, thing.category)
            for thing, colour in zip(objects, colours, strict=True)
        ]
        draw_lines(picture, lines, ZOOM)
        panels.append(picture)
    return beside(panels, [[[]] for _ in panels], GAP)


def _is_clear(run: FinishedRun, photo: Tensor, objects: tuple[SceneObject, ...]) -> bool:
    """Whether a square scene shows enough objects, all large, and novel ones among them."""
    sides = [min(x1 - x0, y1 - y0) for x0, y0, x1, y1 in (thing.box_xyxy for thing in objects)]
    return (
        photo.shape[1] == photo.shape[2]
        and len(objects) >= FEWEST
        and min(sides) >= SMALLEST
        and not all(run.is_base(thing.category) for thing in objects)
    )
