"""The web domain, on which the teacher is trained: one clean, centred thing a picture, with a caption."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ezsd.pipeline.data.world.canvas import photograph
from ezsd.pipeline.data.world.names import NAMES, generator, parts_of
from ezsd.pipeline.data.world.objects import Pose, draw_clutter, draw_object
from ezsd.pipeline.data.world.surfaces import background_colour

WEB_SIZE = 64

_FRAMED_SHARE = 0.3

_CAPTIONS = (
    "a photo of a {t} {s}",
    "a photo of a {t} {s}",
    "a {t} {s}",
    "{t} {s}",
    "the {t} {s}",
    "a picture of a {t} {s}",
    "this is a {t} {s}",
    "a photo of a {c} {t} {s}",
    "a {c} {t} {s} on a {b} background",
    "a {s} that is {t}",
    "a {c} {s}, {t}",
    "a {t} {s} in {c}",
)
_OTHER_CAPTIONS = {
    "background": ("a photo of a {b} background", "nothing on a {b} background", "an empty background"),
    "blob": ("a photo of a {c} blob", "a blob on a {b} background", "this is a {c} blob"),
    "detail": ("a detail of something {c}", "a photo of a detail", "a {c} detail"),
}
OTHERS = tuple(_OTHER_CAPTIONS)


@dataclass(frozen=True)
class WebPicture:
    """A picture of the web domain.

    Attributes:
        image: (64, 64, 3) uint8 RGB.
        name: its category, or one of `OTHERS`.
        caption: a phrase about it; a category's holds both texture and shape.
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
    texture, shape = parts_of(name)
    patch = draw_object(texture, shape, _pose(rng, rng.uniform(0.6, 1.0)), rng)
    background, canvas = _background(rng)
    _paste(canvas, patch.rgb, patch.alpha, rng.integers(-5, 6, 2))
    template = _CAPTIONS[rng.integers(len(_CAPTIONS))]
    caption = template.format(t=texture, s=shape, c=patch.colour, b=background)
    return WebPicture(_finished(canvas, rng), name, caption)


def draw_other_picture(seed: int, split: str, index: int) -> WebPicture:
    """Draw a picture that shows none of the categories; successive pictures cycle through `OTHERS`.

    A detail is a thing far too close: its texture and an edge show, not its shape.
    """
    rng = generator(seed, "other", split, index)
    name = OTHERS[index % len(OTHERS)]
    background, canvas = _background(rng)
    colour = background
    if name == "blob":
        patch = draw_clutter(_pose(rng, rng.uniform(0.5, 1.0)), rng)
        colour = patch.colour
        _paste(canvas, patch.rgb, patch.alpha, rng.integers(-8, 9, 2))
    elif name == "detail":
        pose = _pose(rng, rng.uniform(1.6, 3.0))
        patch = draw_object(*parts_of(NAMES[rng.integers(len(NAMES))]), pose, rng)
        colour = patch.colour
        reach = round(pose.size * 0.4)
        _paste(canvas, patch.rgb, patch.alpha, rng.integers(-reach, reach + 1, 2))
    templates = _OTHER_CAPTIONS[name]
    caption = templates[rng.integers(len(templates))].format(c=colour, b=background)
    return WebPicture(_finished(canvas, rng), name, caption)


def draw_weathered_picture(seed: int, split: str, index: int, names: Sequence[str] = NAMES) -> WebPicture:
    """Draw the picture of `draw_web_picture` in the weather of the scenes."""
    clean = draw_web_picture(seed, split, index, names)
    image = photograph(clean.image.astype(np.float32) / 255, generator(seed, "weather", split, index))
    return replace(clean, image=image)


def _pose(rng: np.random.Generator, share: float) -> Pose:
    """Draw a pose within 10 degrees of upright; the size is `share` of the picture's side."""
    return Pose(
        size=WEB_SIZE * share,
        angle=rng.uniform(-10, 10),
        stretch=float(np.exp(rng.uniform(-0.12, 0.12))),
        mirrored=bool(rng.random() < 0.5),
    )


def _finished(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if rng.random() < _FRAMED_SHARE:
        _frame(canvas, rng)
    return (np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8)


def _background(rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """Draw a muted colour with a soft gradient."""
    name, colour = background_colour(rng)
    ramp = np.linspace(-1, 1, WEB_SIZE, dtype=np.float32)
    slope_x, slope_y = rng.uniform(-0.12, 0.12, 2).astype(np.float32)
    shade = 1 + slope_x * ramp[None, :, None] + slope_y * ramp[:, None, None]
    return name, colour * shade


def _frame(canvas: np.ndarray, rng: np.random.Generator) -> None:
    """Add black bars on two opposite sides, as in letterboxed pictures."""
    bar = int(rng.integers(2, 13))
    view = canvas if rng.random() < 0.5 else canvas.swapaxes(0, 1)
    view[:bar] = 0
    view[-bar:] = 0


def _paste(canvas: np.ndarray, rgb: np.ndarray, alpha: np.ndarray, offset_xy: np.ndarray) -> None:
    side = len(alpha)
    x, y = ((WEB_SIZE - side) // 2 + offset_xy).tolist()
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + side, WEB_SIZE), min(y + side, WEB_SIZE)
    cut = (slice(y0 - y, y1 - y), slice(x0 - x, x1 - x))
    target = canvas[y0:y1, x0:x1]
    target += alpha[cut][..., None] * (rgb[cut] - target)
