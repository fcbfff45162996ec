"""Draw a thing of a name: outline, texture, two colours, perhaps a dark rim and a mount; pick names."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ezsd.pipeline.data.world.clutter import clutter_rings
from ezsd.pipeline.data.world.mounts import Rings, mount_of
from ezsd.pipeline.data.world.names import (
    LONG_TAIL_NAMES,
    LONG_TAIL_SHARES,
    MOUNTS,
    NAMES,
    SHAPES,
    TEXTURES,
    coloured_parts_of,
    parts_of,
)
from ezsd.pipeline.data.world.shapes import coverage, rings_of
from ezsd.pipeline.data.world.surfaces import (
    CLUTTER_TEXTURES,
    another_colour,
    any_colour,
    object_colours,
    pattern,
)

_RIM, _RIMMED_SHARE = 0.07, 0.7
_EMPTY_MOUNT_SHARE = 0.1
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


def _frame_to_pixels(pose: Pose) -> np.ndarray:
    """Return the (2, 3) affine map from the frame -1..1 to the pixels of a patch of the pose."""
    half = pose.size / 2
    angle = np.radians(pose.angle)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    wide, tall = min(1.0, pose.stretch), min(1.0, 1 / pose.stretch)
    scale = np.diag([half * wide * (-1 if pose.mirrored else 1), half * tall])
    return np.concatenate([turn @ scale, np.full((2, 1), _patch_side(pose) / 2)], axis=1)


def _patch_side(pose: Pose) -> int:
    angle = np.radians(pose.angle)
    return int(np.ceil(pose.size * (abs(np.cos(angle)) + abs(np.sin(angle))))) + 4


def _drawn(
    outline: tuple[Rings, Rings],
    colour: str,
    texture: str,
    pose: Pose,
    to_pixels: np.ndarray,
    rim: int,
    rng: np.random.Generator,
) -> Patch:
    """Draw an outline, filled rings and holes, with a rim of `rim` pixels, in a patch for the pose."""
    side = _patch_side(pose)
    alpha = coverage(*outline, side, to_pixels)
    to_frame = np.linalg.inv(to_pixels[:, :2])
    origin = to_frame @ (0.5 - to_pixels[:, 2])
    axis = np.arange(side)
    u = origin[0] + to_frame[0, 0] * axis[None, :] + to_frame[0, 1] * axis[:, None]
    v = origin[1] + to_frame[1, 0] * axis[None, :] + to_frame[1, 1] * axis[:, None]
    main, second = object_colours(colour, rng)
    share = pattern(texture, u, v, rng)[..., None].astype(np.float32)
    body = main * (1 - share) + second * share
    edge = main * np.float32(0.3)
    return Patch(edge + (body - edge) * _inside(alpha, rim)[..., None], alpha, colour)


def _inside(alpha: np.ndarray, width: int) -> np.ndarray:
    """Return the coverage shrunk by `width` pixels; the rest is the rim. Without one, all is inside."""
    if width == 0:
        return np.ones_like(alpha)
    inner = alpha
    for _ in range(width):
        padded = np.pad(inner, 1)
        inner = np.minimum.reduce(
            [padded[1:-1, 1:-1], padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
        )
    return inner


def _rim(size: float) -> int:
    return max(1, round(size * _RIM / 2))


def _rim_of_some(size: float, rng: np.random.Generator) -> int:
    return _rim(size) if rng.random() < _RIMMED_SHARE else 0


def draw_object(word: str, shape: str, pose: Pose, rng: np.random.Generator) -> Patch:
    """Draw a named thing, for instance a striped fish, in any colour."""
    return draw_coloured_object(any_colour(rng), word, shape, pose, rng)


def draw_coloured_object(colour: str, word: str, shape: str, pose: Pose, rng: np.random.Generator) -> Patch:
    """Draw a named thing of one colour, for instance a red striped fish; in a mount it has any texture.

    Args:
        colour, word, shape: of its name.
        pose: its place in the patch.
        rng: draws shades, phases, the rim, and the texture in a mount.
    """
    if word in MOUNTS:
        return _draw_mounted(colour, word, shape, pose, rng)
    return _draw_bare(colour, word, shape, pose, _frame_to_pixels(pose), rng)


def _draw_bare(
    colour: str, texture: str, shape: str, pose: Pose, to_pixels: np.ndarray, rng: np.random.Generator
) -> Patch:
    rim = _rim_of_some(pose.size, rng)
    return _drawn(rings_of(shape), colour, texture, pose, to_pixels, rim, rng)


def _draw_mounted(colour: str, word: str, shape: str, pose: Pose, rng: np.random.Generator) -> Patch:
    """Draw a mount, and its thing upon it."""
    mount, to_pixels = mount_of(word, shape), _frame_to_pixels(pose)
    below = _draw_mount(another_colour(colour, rng), word, shape, pose, rng)
    placed = np.concatenate(
        [to_pixels[:, :2] * mount.scale, to_pixels[:, :2] @ mount.shift[:, None] + to_pixels[:, 2:]], axis=1
    )
    thing = _draw_bare(colour, TEXTURES[rng.integers(len(TEXTURES))], shape, pose, placed, rng)
    alpha = thing.alpha + below.alpha * (1 - thing.alpha)
    share = (thing.alpha / np.maximum(alpha, 1e-6))[..., None]
    return Patch(below.rgb + share * (thing.rgb - below.rgb), alpha, colour)


def _draw_mount(colour: str, word: str, shape: str, pose: Pose, rng: np.random.Generator) -> Patch:
    mount = mount_of(word, shape)
    outline = (mount.filled, mount.holes)
    return _drawn(outline, colour, "plain", pose, _frame_to_pixels(pose), 0, rng)


def draw_clutter(pose: Pose, rng: np.random.Generator) -> Patch:
    """Draw something that has no name, with the textures, colours and rims of things; or an empty mount."""
    if rng.random() < _EMPTY_MOUNT_SHARE:
        word, shape = MOUNTS[rng.integers(len(MOUNTS))], SHAPES[rng.integers(len(SHAPES))]
        return _draw_mount(any_colour(rng), word, shape, pose, rng)
    texture = CLUTTER_TEXTURES[rng.integers(len(CLUTTER_TEXTURES))]
    rim = _rim_of_some(pose.size, rng)
    outline = (clutter_rings(rng), ())
    return _drawn(outline, any_colour(rng), texture, pose, _frame_to_pixels(pose), rim, rng)


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


def _draw_from_long_tail(name: str, pose: Pose, rng: np.random.Generator) -> Patch:
    colour, word, shape = coloured_parts_of(name)
    return draw_coloured_object(colour, word, shape, pose, rng)


EVERYDAY = Vocabulary(_pick_evenly, _draw_everyday)
"""The 65 names, equally frequent, in any colour."""
LONG_TAIL = Vocabulary(_pick_from_long_tail, _draw_from_long_tail)
"""The 260 names with a colour, each less frequent than the one before it."""
