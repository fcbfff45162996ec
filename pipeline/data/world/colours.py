"""Colours by name: drawn at random in the everyday world, part of a thing's name in the long-tailed one."""

import colorsys

import numpy as np

_HUES = {
    "red": 0.0, "orange": 0.08, "yellow": 0.145, "green": 0.36, "teal": 0.49, "blue": 0.6, "purple": 0.76,
    "pink": 0.9,
}  # fmt: skip
COLOUR_NAMES = tuple(_HUES)


def rgb(hue: float, saturation: float, value: float) -> np.ndarray:
    """(3,) float32 in 0..1."""
    return np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value), dtype=np.float32)


def any_colour(rng: np.random.Generator) -> str:
    """One of `COLOUR_NAMES`, each as likely as the others."""
    return COLOUR_NAMES[rng.integers(len(COLOUR_NAMES))]


def object_colours(name: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A shade of the colour and a second colour that stands out from it, each (3,) float32 in 0..1."""
    hue = _HUES[name] + rng.uniform(-0.025, 0.025)
    main = rgb(hue, rng.uniform(0.65, 0.95), rng.uniform(0.72, 0.95))
    if rng.random() < 0.5:
        second = rgb(hue + rng.uniform(-0.1, 0.1), rng.uniform(0.05, 0.25), rng.uniform(0.93, 1))
    else:
        second = rgb(hue + rng.uniform(-0.15, 0.15), rng.uniform(0.6, 0.9), rng.uniform(0.18, 0.34))
    return main, second


def background_colour(rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """The name of a calm colour, pale more often than deep, and the colour, (3,) float32 in 0..1."""
    if rng.random() < 0.15:
        return "white", rgb(0, 0, rng.uniform(0.92, 1))
    name = any_colour(rng)
    hue = _HUES[name] + rng.uniform(-0.03, 0.03)
    if rng.random() < 0.5:
        return name, rgb(hue, rng.uniform(0.12, 0.32), rng.uniform(0.86, 1))
    return name, rgb(hue, rng.uniform(0.15, 0.5), rng.uniform(0.3, 0.9))
