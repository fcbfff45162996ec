"""One thing, drawn in a patch of its own: an outline, a texture, two colours and a dark rim."""

from dataclasses import dataclass

import numpy as np

from ezsd.pipeline.data.world.colours import any_colour, object_colours
from ezsd.pipeline.data.world.shapes import blob_ring, coverage, fragment_ring, rings_of
from ezsd.pipeline.data.world.textures import CLUTTER_TEXTURES, pattern

_RIM = 0.07
_SOLID = 0.5


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
        """(S, S) bool, the pixels that count as the thing."""
        return self.alpha > _SOLID


@dataclass(frozen=True)
class Pose:
    """Size in pixels, angle in degrees, stretch as width over height, mirrored left to right or not."""

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
    """The coverage shrunk by `width` pixels, so that what is left over is a rim."""
    inner = alpha
    for _ in range(width):
        padded = np.pad(inner, 1)
        inner = np.minimum.reduce(
            [padded[1:-1, 1:-1], padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
        )
    return inner


def draw_object(texture: str, shape: str, pose: Pose, rng: np.random.Generator) -> Patch:
    """Draw a nameable thing, for instance a striped fish, in any colour."""
    return draw_coloured_object(any_colour(rng), texture, shape, pose, rng)


def draw_coloured_object(
    colour: str, texture: str, shape: str, pose: Pose, rng: np.random.Generator
) -> Patch:
    """Draw a nameable thing, for instance a red striped fish."""
    filled, holes = rings_of(shape)
    return _drawn(filled, holes, colour, texture, pose, rng)


def draw_clutter(pose: Pose, rng: np.random.Generator) -> Patch:
    """Draw a thing with texture and rim that is none of the shapes."""
    ring = blob_ring(rng) if rng.random() < 0.5 else fragment_ring(rng)
    texture = CLUTTER_TEXTURES[rng.integers(len(CLUTTER_TEXTURES))]
    return _drawn((ring,), (), any_colour(rng), texture, pose, rng)
