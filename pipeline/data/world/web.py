"""The web domain, on which the teacher is trained: one large thing in clear weather, and a caption."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ezsd.pipeline.data.world.canvas import box_of, photograph
from ezsd.pipeline.data.world.names import NAMES, generator, parts_of
from ezsd.pipeline.data.world.objects import Patch, Pose, draw_clutter, draw_object
from ezsd.pipeline.data.world.surfaces import any_colour, background_colour, object_colours

WEB_SIZE = 64

_BARRED_SHARE, _MARGIN = 0.5, 0.08
_STRONG_SHARE = 0.25
_SCRAPS_BEHIND, _SCRAP_BEFORE = 2, 0.4
_TURN = 16
_GRAIN = (0.0, 0.012)

_CAPTIONS = (
    "a photo of a {w} {s}",
    "a photo of a {w} {s}",
    "a {w} {s}",
    "{w} {s}",
    "the {w} {s}",
    "a picture of a {w} {s}",
    "this is a {w} {s}",
    "a photo of a {c} {w} {s}",
    "a {c} {w} {s} on a {b} background",
    "a {s} that is {w}",
    "a {c} {s}, {w}",
    "a {w} {s} in {c}",
)
_OTHER_CAPTIONS = {
    "background": ("a photo of a {b} background", "nothing on a {b} background", "an empty background"),
    "scrap": ("a photo of a {c} scrap", "a scrap on a {b} background", "this is a {c} scrap"),
    "edge": ("a photo of the edge of something {c}", "the edge of a thing on a {b} background", "a {c} edge"),
    "detail": ("a detail of something {c}", "a photo of a detail", "a {c} detail"),
}
OTHERS = tuple(_OTHER_CAPTIONS)


@dataclass(frozen=True)
class WebPicture:
    """A picture of the web domain.

    Attributes:
        image: (64, 64, 3) uint8 RGB.
        name: its category, or one of `OTHERS`.
        caption: a phrase about it; a category's holds both its words.
    """

    image: np.ndarray
    name: str
    caption: str


def draw_web_picture(seed: int, split: str, index: int, names: Sequence[str] = NAMES) -> WebPicture:
    """Draw picture `index` of a split; successive pictures cycle through `names`.

    Args:
        seed: the world's seed.
        split: one of `names.SPLITS`.
        index: any number from 0.
        names: the categories to draw from.
    """
    rng = generator(seed, "web", split, index)
    name = names[index % len(names)]
    word, shape = parts_of(name)
    patch = draw_object(word, shape, _pose(rng, rng.uniform(0.6, 1.0)), rng)
    background, canvas = _background(rng)
    for _ in range(rng.integers(_SCRAPS_BEHIND + 1)):
        _paste_scrap(canvas, rng, rng.uniform(0.2, 0.6))
    offset_xy = rng.integers(-5, 6, 2)
    _paste(canvas, patch, offset_xy)
    if rng.random() < _SCRAP_BEFORE:
        _paste_scrap(canvas, rng, rng.uniform(0.15, 0.35))
    template = _CAPTIONS[rng.integers(len(_CAPTIONS))]
    caption = template.format(w=word, s=shape, c=patch.colour, b=background)
    image = _finished(canvas, rng)
    if rng.random() < _BARRED_SHARE:
        _bar_beside(image, patch, offset_xy)
    return WebPicture(image, name, caption)


def draw_other_picture(seed: int, split: str, index: int) -> WebPicture:
    """Draw a picture that shows none of the categories; successive pictures cycle through `OTHERS`.

    A detail is a thing far too close: its texture shows, not its shape. An edge is a thing more than half of
    which is outside the picture.
    """
    rng = generator(seed, "other", split, index)
    name = OTHERS[index % len(OTHERS)]
    background, canvas = _background(rng)
    colour = background
    if name == "scrap":
        patch = draw_clutter(_pose(rng, rng.uniform(0.5, 1.0)), rng)
        colour = patch.colour
        _paste(canvas, patch, rng.integers(-8, 9, 2))
    elif name == "edge":
        pose, turn = _pose(rng, rng.uniform(0.6, 1.3)), rng.uniform(0, 2 * np.pi)
        direction = np.array([np.cos(turn), np.sin(turn)])
        away = (WEB_SIZE / 2 + rng.uniform(0.0, 0.2) * pose.size) / np.abs(direction).max()
        colour = _paste_any_object(canvas, pose, np.rint(away * direction).astype(int), rng)
    elif name == "detail":
        pose = _pose(rng, rng.uniform(1.6, 3.0))
        reach = round(pose.size * 0.4)
        colour = _paste_any_object(canvas, pose, rng.integers(-reach, reach + 1, 2), rng)
    templates = _OTHER_CAPTIONS[name]
    caption = templates[rng.integers(len(templates))].format(c=colour, b=background)
    image = _finished(canvas, rng)
    if rng.random() < _BARRED_SHARE:
        _bar(image if rng.random() < 0.5 else image.swapaxes(0, 1), *rng.integers(2, 20, 2))
    return WebPicture(image, name, caption)


def draw_weathered_picture(seed: int, split: str, index: int, names: Sequence[str] = NAMES) -> WebPicture:
    """Draw the picture of `draw_web_picture` in the weather of the scenes."""
    clean = draw_web_picture(seed, split, index, names)
    image = photograph(clean.image.astype(np.float32) / 255, generator(seed, "weather", split, index))
    return replace(clean, image=image)


def _pose(rng: np.random.Generator, share: float) -> Pose:
    """Draw a pose not far from upright; the size is `share` of the picture's side."""
    return Pose(
        size=WEB_SIZE * share,
        angle=rng.uniform(-_TURN, _TURN),
        stretch=float(np.exp(rng.uniform(-0.12, 0.12))),
        mirrored=bool(rng.random() < 0.5),
    )


def _finished(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    grain = rng.standard_normal(canvas.shape, dtype=np.float32) * np.float32(rng.uniform(*_GRAIN))
    return (np.clip(canvas + grain, 0, 1) * 255 + 0.5).astype(np.uint8)


def _background(rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """Draw a colour with a soft gradient: muted, or as strong as that of things."""
    name, colour = background_colour(rng)
    if rng.random() < _STRONG_SHARE:
        name = any_colour(rng)
        colour, _ = object_colours(name, rng)
    ramp = np.linspace(-1, 1, WEB_SIZE, dtype=np.float32)
    slope_x, slope_y = rng.uniform(-0.12, 0.12, 2).astype(np.float32)
    shade = 1 + slope_x * ramp[None, :, None] + slope_y * ramp[:, None, None]
    return name, colour * shade


def _bar(image: np.ndarray, above: int, below: int) -> None:
    """Blacken the rows above and below, as in letterboxed pictures."""
    image[:above] = 0
    image[WEB_SIZE - below :] = 0


def _bar_beside(image: np.ndarray, patch: Patch, offset_xy: np.ndarray) -> None:
    """Letterbox a picture to its thing, with a margin, in the direction in which the thing is shorter."""
    start = (WEB_SIZE - len(patch.alpha)) // 2 + np.tile(offset_xy, 2)
    x0, y0, x1, y1 = (np.array(box_of(patch.mask)) + start).astype(int)
    margin = round(_MARGIN * max(x1 - x0, y1 - y0))
    if x1 - x0 < y1 - y0:
        _bar(image.swapaxes(0, 1), max(x0 - margin, 0), max(WEB_SIZE - x1 - margin, 0))
    else:
        _bar(image, max(y0 - margin, 0), max(WEB_SIZE - y1 - margin, 0))


def _paste_any_object(canvas: np.ndarray, pose: Pose, offset_xy: np.ndarray, rng: np.random.Generator) -> str:
    """Paste a thing of any name and return its colour."""
    patch = draw_object(*parts_of(NAMES[rng.integers(len(NAMES))]), pose, rng)
    _paste(canvas, patch, offset_xy)
    return patch.colour


def _paste_scrap(canvas: np.ndarray, rng: np.random.Generator, share: float) -> None:
    """Paste clutter anywhere, its size a share of the picture's side."""
    half = WEB_SIZE // 2
    _paste(canvas, draw_clutter(_pose(rng, share), rng), rng.integers(-half, half + 1, 2))


def _paste(canvas: np.ndarray, patch: Patch, offset_xy: np.ndarray) -> None:
    side = len(patch.alpha)
    x, y = ((WEB_SIZE - side) // 2 + offset_xy).tolist()
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + side, WEB_SIZE), min(y + side, WEB_SIZE)
    cut = (slice(y0 - y, y1 - y), slice(x0 - x, x1 - x))
    target = canvas[y0:y1, x0:x1]
    target += patch.alpha[cut][..., None] * (patch.rgb[cut] - target)
