"""The 13 outlines as polygons.

A shape is a tuple of rings in its own frame: x to the right, y down, both in -1..1. Its area is the union of
the rings, without those in `_HOLES`.
"""

import math
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

Point = tuple[float, float]
Ring = tuple[Point, ...]

SUPERSAMPLING = 3


def _ellipse(
    cx: float, cy: float, rx: float, ry: float, start: float = 0, end: float = 360, n: int = 28
) -> Ring:
    angles = [math.radians(start + (end - start) * i / n) for i in range(n + 1)]
    return tuple((cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in angles)


def _star(points: int, inner: float) -> Ring:
    radii = (1.0, inner)
    return tuple(
        (radii[i % 2] * math.sin(math.pi * i / points), 0.05 - radii[i % 2] * math.cos(math.pi * i / points))
        for i in range(2 * points)
    )


def _heart() -> Ring:
    ring = []
    for i in range(48):
        t = 2 * math.pi * i / 48
        x = 16 * math.sin(t) ** 3
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        ring.append((x / 17, -(y + 2.5) / 15.5))
    return tuple(ring)


def _moon() -> Ring:
    outer = _ellipse(0.1, 0, 0.98, 0.98, 42, 318)
    inner = _ellipse(0.68, 0, 0.68, 0.68, 257, 103)
    return outer + inner


_RINGS: dict[str, tuple[Ring, ...]] = {
    "fish": (
        _ellipse(-0.22, 0, 0.76, 0.52),
        ((0.3, 0), (0.98, -0.58), (0.82, 0), (0.98, 0.58)),
        ((-0.4, -0.4), (0.1, -0.78), (0.2, -0.4)),
    ),
    "star": (_star(5, 0.42),),
    "cup": (
        ((-0.85, -0.7), (0.5, -0.7), (0.36, 0.75), (-0.71, 0.75)),
        _ellipse(0.5, -0.05, 0.46, 0.46),
    ),
    "house": (
        ((-0.72, -0.12), (0.72, -0.12), (0.72, 0.9), (-0.72, 0.9)),
        ((-0.98, -0.1), (0, -0.95), (0.98, -0.1)),
        ((0.4, -0.9), (0.66, -0.9), (0.66, -0.2), (0.4, -0.2)),
    ),
    "tree": (
        ((0, -1), (0.5, -0.35), (-0.5, -0.35)),
        ((0, -0.65), (0.68, 0.12), (-0.68, 0.12)),
        ((0, -0.2), (0.84, 0.62), (-0.84, 0.62)),
        ((-0.17, 0.6), (0.17, 0.6), (0.17, 1), (-0.17, 1)),
    ),
    "heart": (_heart(),),
    "moon": (_moon(),),
    "arrow": (((-1, -0.26), (0.1, -0.26), (0.1, -0.76), (1, 0), (0.1, 0.76), (0.1, 0.26), (-1, 0.26)),),
    "mushroom": (
        (*_ellipse(0, 0.1, 0.96, 0.96, 180, 360), (0.7, 0.24), (-0.7, 0.24)),
        ((-0.27, 0.2), (0.27, 0.2), (0.38, 0.92), (-0.38, 0.92)),
    ),
    "boat": (
        ((-0.98, 0.36), (0.98, 0.36), (0.6, 0.88), (-0.6, 0.88)),
        ((-0.1, -0.98), (0.06, -0.98), (0.06, 0.4), (-0.1, 0.4)),
        ((0.0, -0.95), (0.82, 0.18), (0.0, 0.18)),
        ((-0.04, -0.6), (-0.04, 0.18), (-0.62, 0.18)),
    ),
    "butterfly": (
        _ellipse(-0.5, -0.38, 0.5, 0.5),
        _ellipse(0.5, -0.38, 0.5, 0.5),
        _ellipse(-0.4, 0.44, 0.38, 0.42),
        _ellipse(0.4, 0.44, 0.38, 0.42),
        _ellipse(0, 0, 0.13, 0.72),
    ),
    "tie": (
        ((-0.24, -1), (0.24, -1), (0.14, -0.66), (-0.14, -0.66)),
        ((-0.14, -0.7), (0.14, -0.7), (0.38, 0.66), (0, 1), (-0.38, 0.66)),
    ),
    "bottle": (
        ((-0.2, -1), (0.2, -1), (0.2, -0.5), (0.5, -0.15), (0.5, 1), (-0.5, 1), (-0.5, -0.15), (-0.2, -0.5)),
    ),
}  # fmt: skip

_HOLES: dict[str, tuple[Ring, ...]] = {
    "cup": (_ellipse(0.55, -0.05, 0.2, 0.24),),
}


@cache
def rings_of(shape: str) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Return filled rings and holes of a shape, each an (n, 2) float array of points in -1..1, y down."""
    filled = tuple(np.array(ring) for ring in _RINGS[shape])
    holes = tuple(np.array(ring) for ring in _HOLES.get(shape, ()))
    return filled, holes


def coverage(
    filled: tuple[np.ndarray, ...], holes: tuple[np.ndarray, ...], side: int, to_pixels: np.ndarray
) -> np.ndarray:
    """Rasterise rings with smooth edges.

    Args:
        filled, holes: rings in the shape's own frame.
        side: side of the square patch in pixels.
        to_pixels: (2, 3) affine map from the shape's frame to patch pixels.

    Returns:
        (side, side) float32 in 0..1, the covered share of each pixel.
    """
    canvas = Image.new("L", (side * SUPERSAMPLING, side * SUPERSAMPLING), 0)
    draw = ImageDraw.Draw(canvas)
    for rings, value in ((filled, 255), (holes, 0)):
        for ring in rings:
            points = (ring @ to_pixels[:, :2].T + to_pixels[:, 2]) * SUPERSAMPLING
            draw.polygon([tuple(point) for point in points.tolist()], fill=value)
    return np.asarray(canvas.reduce(SUPERSAMPLING), dtype=np.float32) / 255
