"""What things are mounted in or on. The name of a mounted thing says how far it reaches."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ezsd.pipeline.data.world.shapes import rings_of

Rings = tuple[np.ndarray, ...]

_MARGIN = 0.4
_ROPE, _WIRE, _HOOK = 1.3, 0.12, 0.15


@dataclass(frozen=True)
class Mount:
    """A mount, drawn below its thing, and the place of the thing in the frame of both.

    Attributes:
        filled, holes: the mount's rings in -1..1.
        scale, shift: from a point of the thing's own frame to the frame of both: `point * scale + shift`.
    """

    filled: Rings
    holes: Rings
    scale: float
    shift: np.ndarray


def mount_of(word: str, shape: str) -> Mount:
    """Return the mount of one of `names.MOUNTS` for a shape."""
    points = np.concatenate(rings_of(shape)[0])
    return _MAKERS[word](points.min(axis=0), points.max(axis=0))


def _frame(low: np.ndarray, high: np.ndarray) -> Mount:
    """A frame of wire around the box `low`..`high` of the thing."""
    return _fitted((_rectangle(low, high, _MARGIN),), (_rectangle(low, high, _MARGIN - _WIRE),), low, high)


def _rectangle(low: np.ndarray, high: np.ndarray, margin: float) -> np.ndarray:
    (x0, y0), (x1, y1) = low - margin, high + margin
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def _rope(low: np.ndarray, high: np.ndarray) -> Mount:
    """A rope from the top of the thing up to a hook."""
    x, bottom = (low[0] + high[0]) / 2, low[1] + 0.3
    top, half = low[1] - _ROPE, _WIRE / 2
    rope = np.array([(x - half, top), (x + half, top), (x + half, bottom), (x - half, bottom)])
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    hook = np.stack([x + _HOOK * np.cos(turn), top + _HOOK * np.sin(turn)], axis=1)
    return _fitted((rope, hook), (), low, high)


def _fitted(filled: Rings, holes: Rings, low: np.ndarray, high: np.ndarray) -> Mount:
    """Scale mount and thing together so that they just fill the frame."""
    points = np.concatenate([*filled, low[None], high[None]])
    least, most = points.min(axis=0), points.max(axis=0)
    scale, middle = 2 / float((most - least).max()), (least + most) / 2
    filled, holes = (tuple((ring - middle) * scale for ring in rings) for rings in (filled, holes))
    return Mount(filled, holes, scale, -middle * scale)


_MAKERS: dict[str, Callable[[np.ndarray, np.ndarray], Mount]] = {"framed": _frame, "hanging": _rope}
