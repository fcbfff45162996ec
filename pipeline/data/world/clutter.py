"""Outlines of clutter: things that are none of the shapes, some of them made of pieces of the shapes.

Each outline is a tuple of filled rings in the frame of the shapes, -1..1.
"""

import math

import numpy as np

from ezsd.pipeline.data.world.names import SHAPES
from ezsd.pipeline.data.world.shapes import rings_of

Rings = tuple[np.ndarray, ...]

_CUTS = (-0.3, 0.05)
_PAIR_SCALE, _PAIR_OFFSET = 0.62, (0.35, 0.5)


def clutter_rings(rng: np.random.Generator) -> Rings:
    """Draw an outline: a third of them are pieces and unions of true outlines, the others invented."""
    draw = (_piece, _union, _blob, _blob, _shard, _shard)[rng.integers(6)]
    return draw(rng)


def _piece(rng: np.random.Generator) -> Rings:
    """Cut a true outline along a line, keep less than half of it, and enlarge that to the whole frame."""
    angle = rng.uniform(0, 2 * math.pi)
    normal, cut = np.array([math.cos(angle), math.sin(angle)]), rng.uniform(*_CUTS)
    kept = [_below(ring, normal, cut) for ring in rings_of(SHAPES[rng.integers(len(SHAPES))])[0]]
    return _fitted(tuple(ring for ring in kept if len(ring) > 2))


def _below(ring: np.ndarray, normal: np.ndarray, cut: float) -> np.ndarray:
    """Clip a polygon (n, 2) to the half-plane `normal @ point <= cut` (Sutherland and Hodgman)."""
    points: list[np.ndarray] = []
    for start, end in zip(np.roll(ring, 1, axis=0), ring, strict=True):
        before, after = start @ normal - cut, end @ normal - cut
        if (before > 0) != (after > 0):
            points.append(start + (end - start) * before / (before - after))
        if after <= 0:
            points.append(end)
    return np.array(points)


def _union(rng: np.random.Generator) -> Rings:
    """Join two different outlines into one thing."""
    angle, reach = rng.uniform(0, 2 * math.pi), rng.uniform(*_PAIR_OFFSET)
    offset = reach * np.array([math.cos(angle), math.sin(angle)])
    first, second = (rings_of(SHAPES[one])[0] for one in rng.choice(len(SHAPES), 2, replace=False))
    joined = [ring * _PAIR_SCALE + offset for ring in first]
    joined += [ring * _PAIR_SCALE * (-1, 1) - offset for ring in second]
    return _fitted(tuple(joined))


def _fitted(rings: Rings) -> Rings:
    """Move and scale rings so that they just fill the frame."""
    points = np.concatenate(rings)
    low, high = points.min(axis=0), points.max(axis=0)
    return tuple((ring - (low + high) / 2) * 2 / (high - low).max() for ring in rings)


def _blob(rng: np.random.Generator) -> Rings:
    """Draw a smooth outline."""
    angles = np.linspace(0, 2 * math.pi, 40, endpoint=False)
    radius = np.ones(40)
    for waves in (2, 3, 5):
        radius += rng.uniform(0.05, 0.3) / waves**0.5 * np.sin(waves * angles + rng.uniform(0, 2 * math.pi))
    radius /= radius.max()
    stretch = rng.uniform(0.45, 1)
    return (np.stack([radius * np.cos(angles), stretch * radius * np.sin(angles)], axis=1),)


def _shard(rng: np.random.Generator) -> Rings:
    """Draw an outline with sharp corners."""
    corners = int(rng.integers(3, 7))
    angles = np.sort(rng.uniform(0, 2 * math.pi, corners))
    radius = rng.uniform(0.45, 1, corners)
    return (np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1),)
