"""The web domain: one clean, centred thing a picture, with a caption. What the teacher learns from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ezsd.world.colours import background_colour
from ezsd.world.names import NAMES, parts_of
from ezsd.world.objects import Pose, draw_object
from ezsd.world.seeds import generator
from ezsd.world.weather import photograph

WEB_SIZE = 64

_FRAMED_SHARE = 0.3

_TEXTURE_FIRST = (
    "a photo of a {t} {s}",
    "a photo of a {t} {s}",
    "a {t} {s}",
    "{t} {s}",
    "the {t} {s}",
    "a picture of a {t} {s}",
    "this is a {t} {s}",
    "a photo of a {c} {t} {s}",
    "a {c} {t} {s} on a {b} background",
)
_TEXTURE_LAST = ("a {s} that is {t}", "a {c} {s}, {t}", "a {t} {s} in {c}")


@dataclass(frozen=True)
class WebPicture:
    """A picture of the web domain.

    Attributes:
        image: (64, 64, 3) uint8 RGB.
        name: its category.
        caption: a sentence that holds the category's texture and shape.
    """

    image: np.ndarray
    name: str
    caption: str


def draw_web_picture(seed: int, split: str, index: int, names: Sequence[str] = NAMES) -> WebPicture:
    """Draw picture `index` of a split; pictures run through `names` in turn.

    Args:
        seed: the world's seed.
        split: one of `ezsd.world.seeds.SPLITS`.
        index: any number from 0.
        names: the categories to draw from.
    """
    rng = generator(seed, "web", split, index)
    name = names[index % len(names)]
    texture, shape = parts_of(name)
    pose = Pose(
        size=WEB_SIZE * rng.uniform(0.6, 1.0),
        angle=rng.uniform(-10, 10),
        stretch=float(np.exp(rng.uniform(-0.12, 0.12))),
        mirrored=bool(rng.random() < 0.5),
    )
    patch = draw_object(texture, shape, pose, rng)
    background, canvas = _background(rng)
    _paste(canvas, patch.rgb, patch.alpha, rng.integers(-5, 6, 2))
    if rng.random() < _FRAMED_SHARE:
        _frame(canvas, rng)
    image = (np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8)
    templates = _TEXTURE_FIRST + _TEXTURE_LAST
    template = templates[rng.integers(len(templates))]
    caption = template.format(t=texture, s=shape, c=patch.colour, b=background)
    return WebPicture(image, name, caption)


def draw_weathered_picture(seed: int, split: str, index: int, names: Sequence[str] = NAMES) -> WebPicture:
    """The picture of `draw_web_picture` as the weather of the scenes would show it."""
    clean = draw_web_picture(seed, split, index, names)
    image = photograph(clean.image.astype(np.float32) / 255, generator(seed, "weather", split, index))
    return replace(clean, image=image)


def _background(rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """A pale colour that shades softly into a neighbour of itself."""
    name, colour = background_colour(rng)
    ramp = np.linspace(-1, 1, WEB_SIZE, dtype=np.float32)
    slope_x, slope_y = rng.uniform(-0.12, 0.12, 2).astype(np.float32)
    shade = 1 + slope_x * ramp[None, :, None] + slope_y * ramp[:, None, None]
    return name, colour * shade


def _frame(canvas: np.ndarray, rng: np.random.Generator) -> None:
    """Black bars on two sides, as pictures of another format have them."""
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
