"""Build a scene layer by layer, with a visible mask for each thing, and take its photo in bad weather.

The weather (haze, colour cast, blur, sensor noise) shifts the statistics of a crop more than its content. Web
pictures have a little grain and nothing else of it: this is the gap that re-normalization closes.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from ezsd.pipeline.data.world.objects import Patch

MIN_SIDE = 12
_MIN_IN_FRAME = 0.65
_MIN_VISIBLE = 0.65
_HAZE = (0.2, 0.42)
_CAST = (0.75, 1.0)
_BLUR = (0.2, 0.5)
_NOISE = (0.006, 0.022)


@dataclass
class Placed:
    """A named thing on the canvas.

    Attributes:
        name: its category.
        crowd: whether it is a region of many things.
        full_area: pixels before others covered it.
        visible: (H, W) bool, its visible pixels.
    """

    name: str
    crowd: bool
    full_area: int
    visible: np.ndarray

    def stays_visible_under(self, cover: np.ndarray) -> bool:
        """Whether enough of it stays visible under `cover`, (H, W) bool."""
        left = self.visible & ~cover
        return left.sum() >= _MIN_VISIBLE * self.full_area and min(_sides(left)) >= MIN_SIDE


class Canvas:
    """Pixels of a scene, (H, W, 3) float32 in 0..1, and the named things on it, lowest first."""

    def __init__(self, background: np.ndarray) -> None:
        self.rgb = background
        self.things: list[Placed] = []

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.rgb.shape[1], self.rgb.shape[0]

    def footprint(self, mask: np.ndarray, centre_xy: tuple[float, float]) -> np.ndarray:
        """Return the canvas pixels that a patch's mask, (S, S) bool, would cover, (H, W) bool."""
        covered = np.zeros(self.rgb.shape[:2], dtype=bool)
        target, source = self._overlap(len(mask), centre_xy)
        covered[target] = mask[source]
        return covered

    def accepts(self, patch: Patch, footprint: np.ndarray) -> bool:
        """Whether the patch is well inside the frame and leaves all things visible."""
        if not _is_seen(footprint, patch.mask.sum()):
            return False
        return all(thing.stays_visible_under(footprint) for thing in self.things)

    def covers_a_thing(self, footprint: np.ndarray) -> bool:
        """Whether a footprint, (H, W) bool, hides a pixel of a named thing."""
        return any((thing.visible & footprint).any() for thing in self.things)

    def lay(self, patch: Patch, centre_xy: tuple[float, float]) -> np.ndarray:
        """Draw the patch on top and return its footprint, (H, W) bool."""
        target, source = self._overlap(len(patch.alpha), centre_xy)
        pixels = self.rgb[target]
        pixels += patch.alpha[source][..., None] * (patch.rgb[source] - pixels)
        footprint = self.footprint(patch.mask, centre_xy)
        for thing in self.things:
            thing.visible &= ~footprint
        return footprint

    def lay_thing(self, name: str, patch: Patch, centre_xy: tuple[float, float]) -> None:
        """Draw a named thing on top."""
        self.name_thing(name, self.lay(patch, centre_xy), int(patch.mask.sum()))

    def name_thing(self, name: str, footprint: np.ndarray, full_area: int, crowd: bool = False) -> None:
        """Record that the pixels of `footprint`, (H, W) bool, show `name`."""
        self.things.append(Placed(name, crowd, full_area, footprint))

    def _overlap(
        self, side: int, centre_xy: tuple[float, float]
    ) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        width, height = self.size_wh
        x, y = round(centre_xy[0] - side / 2), round(centre_xy[1] - side / 2)
        x0, x1 = max(x, 0), max(min(x + side, width), 0)
        y0, y1 = max(y, 0), max(min(y + side, height), 0)
        return (slice(y0, y1), slice(x0, x1)), (slice(y0 - y, y1 - y), slice(x0 - x, x1 - x))


def box_of(mask: np.ndarray) -> tuple[float, float, float, float]:
    """Return the tight box around an (H, W) mask: x0, y0, x1, y1 in pixels, all 0 for an empty mask."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if len(columns) == 0:
        return 0.0, 0.0, 0.0, 0.0
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _is_seen(footprint: np.ndarray, full_area: int) -> bool:
    return footprint.sum() >= _MIN_IN_FRAME * full_area and min(_sides(footprint)) >= MIN_SIDE


def _sides(mask: np.ndarray) -> tuple[float, float]:
    x0, y0, x1, y1 = box_of(mask)
    return x1 - x0, y1 - y0


def photograph(scene: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Take a photo of a clean scene.

    Args:
        scene: (H, W, 3) float32 in 0..1.
        rng: draws the weather and the noise.

    Returns:
        (H, W, 3) uint8.
    """
    haze = np.float32(rng.uniform(*_HAZE))
    fog = np.float32(rng.uniform(0.3, 0.75))
    cast = rng.uniform(*_CAST, 3).astype(np.float32)
    hazy = (scene * (1 - haze) + fog * haze) * cast
    blurred = _blur(hazy, rng.uniform(*_BLUR))
    noise = rng.standard_normal(scene.shape, dtype=np.float32) * np.float32(rng.uniform(*_NOISE))
    return (np.clip(blurred + noise, 0, 1) * 255 + 0.5).astype(np.uint8)


def _blur(image: np.ndarray, radius: float) -> np.ndarray:
    levels = Image.fromarray((np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8))
    return np.asarray(levels.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) / 255
