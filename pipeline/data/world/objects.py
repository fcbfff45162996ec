"""Draw a thing of a name: an outline, a texture, two colours and a dark rim; pick names for scenes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ezsd.pipeline.data.world.names import (
    LONG_TAIL_NAMES,
    LONG_TAIL_SHARES,
    NAMES,
    coloured_parts_of,
    parts_of,
)
from ezsd.pipeline.data.world.shapes import blob_ring, coverage, fragment_ring, rings_of
from ezsd.pipeline.data.world.surfaces import CLUTTER_TEXTURES, any_colour, object_colours, pattern

_RIM = 0.07
_SOLID = 0.5
_LONG_TAIL_REACH = np.cumsum(LONG_TAIL_SHARES)


@dataclass(frozen=True)
class Patch:
    """A drawn thing.

    Attributes:
        rgb: (S, S, 3) float32 in 0..1.
        alpha: (S, S) float32 in 0..1.
        colour: the name of its main colour.
    """

    rgb: np.ndarray
    alpha: np.ndarray
    colour: str

    @property
    def mask(self) -> np.ndarray:
        """Pixels that belong to the thing, (S, S) bool."""
        return self.alpha > _SOLID


@dataclass(frozen=True)
class Pose:
    """How a thing is placed in its patch.

    Attributes:
        size: longer side in pixels.
        angle: rotation in degrees.
        stretch: width over height.
        mirrored: whether left and right are swapped.
    """

    size: float
    angle: float
    stretch: float = 1.0
    mirrored: bool = False


def _frame_to_pixels(pose: Pose, side: int) -> np.ndarray:
    half = pose.size / 2
    angle = np.radians(pose.angle)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    wide, tall = min(1.0, pose.stretch), min(1.0, 1 / pose.stretch)
    scale = np.diag([half * wide * (-1 if pose.mirrored else 1), half * tall])
    return np.concatenate([turn @ scale, np.full((2, 1), side / 2)], axis=1)


def _patch_side(pose: Pose) -> int:
    angle = np.radians(pose.angle)
    return int(np.ceil(pose.size * (abs(np.cos(angle)) + abs(np.sin(angle))))) + 4


def _drawn(
    filled: tuple[np.ndarray, ...],
    holes: tuple[np.ndarray, ...],
    colour: str,
    texture: str,
    pose: Pose,
    rng: np.random.Generator,
) -> Patch:
    side = _patch_side(pose)
    to_pixels = _frame_to_pixels(pose, side)
    alpha = coverage(filled, holes, side, to_pixels)
    inner = _inside(alpha, max(1, round(pose.size * _RIM / 2)))
    to_frame = np.linalg.inv(to_pixels[:, :2]).astype(np.float32)
    axis = np.arange(side, dtype=np.float32) + np.float32(0.5 - side / 2)
    u = to_frame[0, 0] * axis[None, :] + to_frame[0, 1] * axis[:, None]
    v = to_frame[1, 0] * axis[None, :] + to_frame[1, 1] * axis[:, None]
    main, second = object_colours(colour, rng)
    share = pattern(texture, u, v, rng)[..., None].astype(np.float32)
    body = main * (1 - share) + second * share
    rim = main * np.float32(0.3)
    return Patch(rim + (body - rim) * inner[..., None], alpha, colour)


def _inside(alpha: np.ndarray, width: int) -> np.ndarray:
    """Return the coverage shrunk by `width` pixels; the rest is the rim."""
    inner = alpha
    for _ in range(width):
        padded = np.pad(inner, 1)
        inner = np.minimum.reduce(
            [padded[1:-1, 1:-1], padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
        )
    return inner


def draw_object(texture: str, shape: str, pose: Pose, rng: np.random.Generator) -> Patch:
    """Draw a named thing, for instance a striped fish, in any colour."""
    return draw_coloured_object(any_colour(rng), texture, shape, pose, rng)


def draw_coloured_object(
    colour: str, texture: str, shape: str, pose: Pose, rng: np.random.Generator
) -> Patch:
    """Draw a named thing of one colour, for instance a red striped fish."""
    filled, holes = rings_of(shape)
    return _drawn(filled, holes, colour, texture, pose, rng)


def draw_clutter(pose: Pose, rng: np.random.Generator) -> Patch:
    """Draw a thing with texture and rim that is none of the shapes."""
    ring = blob_ring(rng) if rng.random() < 0.5 else fragment_ring(rng)
    texture = CLUTTER_TEXTURES[rng.integers(len(CLUTTER_TEXTURES))]
    return _drawn((ring,), (), any_colour(rng), texture, pose, rng)


@dataclass(frozen=True)
class Vocabulary:
    """What scenes show.

    Attributes:
        pick: draws a name.
        draw: draws the thing of a name in a pose.
    """

    pick: Callable[[np.random.Generator], str]
    draw: Callable[[str, Pose, np.random.Generator], Patch]


def _pick_evenly(rng: np.random.Generator) -> str:
    return NAMES[rng.integers(len(NAMES))]


def _draw_everyday(name: str, pose: Pose, rng: np.random.Generator) -> Patch:
    return draw_object(*parts_of(name), pose, rng)


def _pick_from_long_tail(rng: np.random.Generator) -> str:
    rank = int(np.searchsorted(_LONG_TAIL_REACH, rng.random(), side="right"))
    return LONG_TAIL_NAMES[min(rank, len(LONG_TAIL_NAMES) - 1)]


def _draw_coloured(name: str, pose: Pose, rng: np.random.Generator) -> Patch:
    return draw_coloured_object(*coloured_parts_of(name), pose, rng)


EVERYDAY = Vocabulary(_pick_evenly, _draw_everyday)
"""The 65 names, equally frequent, in any colour."""
LONG_TAIL = Vocabulary(_pick_from_long_tail, _draw_coloured)
"""The 260 names with a colour, each less frequent than the one before it."""
