"""Idea 1: names the teacher gives a web picture and a detection crop, raw and re-normalized."""

from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from benchmarks.figures.finished_run import FinishedRun, NamingTeacher
from benchmarks.figures.sheet import (
    BASE,
    LEADING,
    NOVEL,
    PAPER,
    Colour,
    Title,
    Words,
    draw_bars,
    enlarged,
    write_title,
)
from ezsd.mining.score import name_probabilities
from ezsd.pipeline.data.world.names import NAMES
from ezsd.pipeline.data.world.web import draw_web_picture
from ezsd.teacher.crops import square_crops

ENLARGE = 1.2
SMALLEST = 56.0
"""Px; an object with a shorter side is hard to make out on a page."""
SHOWN = 5
SIDE, BARS, GAP = 200, 330, 20
ROW = 200 + LEADING + 24
PALE: Colour = (214, 222, 232)
PALE_BASE: Colour = (134, 184, 226)
PALE_NOVEL: Colour = (243, 170, 110)
AS_IT_COMES: Title = ([Words("the teacher")], [Words("as it comes")])
RENORMALIZED: Title = ([Words("the teacher")], [Words("re-normalized")])


class Example(NamedTuple):
    """An object's crop (1, 3, S, S) uint8, its name, and whether the raw and the tuned teacher are right."""

    crop: Tensor
    name: str
    raw_right: bool
    tuned_right: bool


def draw(run: FinishedRun) -> Image.Image:
    """Draw a base and a novel object that only the tuned teacher gets right, and one only the raw."""
    examples = [
        _first(run, lambda each: each.tuned_right > each.raw_right and run.is_base(each.name)),
        _first(run, lambda each: each.tuned_right > each.raw_right and not run.is_base(each.name)),
        _first(run, lambda each: each.tuned_right < each.raw_right),
    ]
    lefts = list(accumulate((SIDE, BARS, SIDE, BARS), lambda left, width: left + width + GAP, initial=0))
    head = 2 * LEADING + 14
    sheet = Image.new("RGB", (lefts[-1] + BARS, head + ROW * len(examples) - 20), PAPER)
    titles = ([[Words("web picture")]], AS_IT_COMES, [[Words("detection crop")]], AS_IT_COMES, RENORMALIZED)
    for left, title in zip(lefts, titles, strict=True):
        write_title(sheet, (left, 0), title)
    for place, example in enumerate(examples):
        top = head + ROW * place
        kind, colour = ("base", BASE) if run.is_base(example.name) else ("novel", NOVEL)
        write_title(sheet, (0, top), [[Words(f"{example.name}, a {kind} name", colour)]])
        for left, panel in zip(lefts, _panels(example, run), strict=True):
            sheet.paste(panel, (left, top + LEADING + 4))
    return sheet


def _panels(example: Example, run: FinishedRun) -> list[Image.Image]:
    """Draw a web picture of the name, the raw teacher's names for it, the crop, and both teachers' names."""
    web = draw_web_picture(run.seed, "test", NAMES.index(example.name)).image
    web_crop = torch.from_numpy(web).permute(2, 0, 1)[None].contiguous()
    return [
        enlarged(web_crop[0], (SIDE, SIDE)),
        _bars(web_crop, run.raw, example.name, run),
        enlarged(example.crop[0], (SIDE, SIDE)),
        _bars(example.crop, run.raw, example.name, run),
        _bars(example.crop, run.tuned, example.name, run),
    ]


def _bars(crop: Tensor, naming: NamingTeacher, truth: str, run: FinishedRun) -> Image.Image:
    """Draw the teacher's most likely names of a crop; the right one is coloured."""
    shares, labels = _probabilities(crop, naming).topk(SHOWN)
    names = [run.split.names[label] for label in labels.tolist()]
    right = PALE_BASE if run.is_base(truth) else PALE_NOVEL
    return draw_bars(names, shares.tolist(), [right if name == truth else PALE for name in names], BARS)


def _first(run: FinishedRun, wanted: Callable[[Example], bool]) -> Example:
    return next(filter(wanted, _examples(run)))


def _examples(run: FinishedRun) -> Iterator[Example]:
    """Yield objects of validation scenes that are not too small, in order."""
    for photo, objects in run.photos("val"):
        for thing in objects:
            x0, y0, x1, y1 = thing.box_xyxy
            if thing.crowd or min(x1 - x0, y1 - y0) < SMALLEST:
                continue
            crop = square_crops(photo, torch.tensor([thing.box_xyxy]), ENLARGE, run.raw.teacher.image_size)
            truth = run.split.names.index(thing.category)
            raw_right, tuned_right = (
                int(_probabilities(crop, naming).argmax()) == truth for naming in (run.raw, run.tuned)
            )
            yield Example(crop, thing.category, raw_right, tuned_right)


def _probabilities(crop: Tensor, naming: NamingTeacher) -> Tensor:
    """Return the probability of each name (C,) for a crop (1, 3, S, S)."""
    embeddings = naming.teacher.encode_images(naming.teacher.pixels(crop))
    return name_probabilities(embeddings, naming.text, naming.teacher.logit_scale)[0]
