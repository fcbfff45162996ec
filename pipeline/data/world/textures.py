"""The five textures, as masks over a shape's own frame, and two that belong to clutter alone."""

from collections.abc import Callable

import numpy as np

from ezsd.pipeline.data.world.names import TEXTURES

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


def _checkered(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    period = rng.uniform(0.52, 0.68)
    x, y = u / period + rng.uniform(), v / period + rng.uniform()
    return _soft(np.sin(2 * np.pi * x) * np.sin(2 * np.pi * y), 8)


def _ringed(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    cx, cy = rng.uniform(-0.12, 0.12, 2)
    return _soft(np.cos(2 * np.pi * np.hypot(u - cx, v - cy) / rng.uniform(0.44, 0.56)))


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
    "checkered": _checkered,
    "ringed": _ringed,
    "blotched": _blotched,
}

CLUTTER_TEXTURES = (*TEXTURES, "blotched")


def pattern(texture: str, u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Share of the second colour at each point.

    Args:
        texture: one of `CLUTTER_TEXTURES`.
        u, v: float arrays of one shape, coordinates in the shape's own frame (-1..1 over the shape).
        rng: draws phase, period and direction.

    Returns:
        Float array of the shape of `u`, in 0..1.
    """
    return _PATTERNS[texture](u, v, rng)
