"""Colours and textures of things.

A colour is random in the everyday world and part of the name in the long tail. A texture is a mask over the
shape's own frame; one texture is for clutter only.
"""

import colorsys
from collections.abc import Callable

import numpy as np

from ezsd.pipeline.data.world.names import TEXTURES

_HUES = {
    "red": 0.0, "orange": 0.08, "yellow": 0.145, "green": 0.36, "teal": 0.49, "blue": 0.6, "purple": 0.76,
    "pink": 0.9,
}  # fmt: skip
COLOUR_NAMES = tuple(_HUES)
_MUTED_SHARE, _MUTED = 0.25, (0.45, 0.7)


def rgb(hue: float, saturation: float, value: float) -> np.ndarray:
    """Return the colour as (3,) float32 in 0..1."""
    return np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value), dtype=np.float32)


def any_colour(rng: np.random.Generator) -> str:
    """Draw one of `COLOUR_NAMES` uniformly."""
    return COLOUR_NAMES[rng.integers(len(COLOUR_NAMES))]


def another_colour(name: str, rng: np.random.Generator) -> str:
    """Draw one of `COLOUR_NAMES` that is neither `name` nor its neighbour."""
    step = int(rng.integers(2, len(COLOUR_NAMES) - 1))
    return COLOUR_NAMES[(COLOUR_NAMES.index(name) + step) % len(COLOUR_NAMES)]


def object_colours(name: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw a shade of the colour and a second colour in contrast to it, each (3,) float32 in 0..1.

    Some shades are muted, so that not all that stands out is a thing and not all things stand out.
    """
    hue = _HUES[name] + rng.uniform(-0.025, 0.025)
    strength = rng.uniform(*_MUTED) if rng.random() < _MUTED_SHARE else 1.0
    main = rgb(hue, strength * rng.uniform(0.65, 0.95), rng.uniform(0.72, 0.95))
    if rng.random() < 0.5:
        second = rgb(hue + rng.uniform(-0.1, 0.1), rng.uniform(0.05, 0.25), rng.uniform(0.93, 1))
    else:
        second = rgb(hue + rng.uniform(-0.15, 0.15), rng.uniform(0.6, 0.9), rng.uniform(0.18, 0.34))
    return main, second


def background_colour(rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """Draw a muted colour, pale more often than deep: its name, and (3,) float32 in 0..1."""
    if rng.random() < 0.15:
        return "white", rgb(0, 0, rng.uniform(0.92, 1))
    name = any_colour(rng)
    hue = _HUES[name] + rng.uniform(-0.03, 0.03)
    if rng.random() < 0.5:
        return name, rgb(hue, rng.uniform(0.12, 0.32), rng.uniform(0.86, 1))
    return name, rgb(hue, rng.uniform(0.15, 0.5), rng.uniform(0.3, 0.9))


Pattern = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


def _soft(signal: np.ndarray, sharpness: float = 4.0) -> np.ndarray:
    return np.clip(0.5 + sharpness * signal, 0, 1)


def _turned(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    angle = rng.uniform(0, np.pi)
    cos, sin = np.cos(angle), np.sin(angle)
    return cos * u + sin * v, cos * v - sin * u


def _plain(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.zeros_like(u)


def _striped(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    along, _ = _turned(u, v, rng)
    return _soft(np.sin(2 * np.pi * (along / rng.uniform(0.38, 0.52) + rng.uniform())))


def _dotted(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    period = rng.uniform(0.42, 0.54)
    x = (u / period + rng.uniform()) % 1 - 0.5
    row = np.floor(v / period)
    x = (x + 0.5 + 0.5 * (row % 2)) % 1 - 0.5
    y = (v / period) % 1 - 0.5
    return _soft(0.3 - np.hypot(x, y), 12)


def _blotched(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    total = np.zeros_like(u)
    for _ in range(4):
        along, _ = _turned(u, v, rng)
        total += np.sin(2 * np.pi * (along / rng.uniform(0.6, 1.4) + rng.uniform()))
    return _soft(total, 2)


_PATTERNS: dict[str, Pattern] = {
    "plain": _plain,
    "striped": _striped,
    "dotted": _dotted,
    "blotched": _blotched,
}

CLUTTER_TEXTURES = (*TEXTURES, "blotched")


def pattern(texture: str, u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the share of the second colour at each point.

    Args:
        texture: one of `CLUTTER_TEXTURES`.
        u, v: float arrays of equal shape, coordinates in the shape's own frame (-1..1 over the shape).
        rng: draws phase, period and direction.

    Returns:
        Float array like `u`, in 0..1.
    """
    return _PATTERNS[texture](u, v, rng)
