"""What things scenes hold: how a name is picked, and how a thing of that name is drawn."""

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
from ezsd.pipeline.data.world.objects import Patch, Pose, draw_coloured_object, draw_object

_LONG_TAIL_REACH = np.cumsum(LONG_TAIL_SHARES)


@dataclass(frozen=True)
class Vocabulary:
    """The names of things, and the things.

    Attributes:
        pick: draws a name.
        draw: draws a thing of a name in a pose.
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
"""The 65 names, each as often as the others, in any colour."""
LONG_TAIL = Vocabulary(_pick_from_long_tail, _draw_coloured)
"""The 260 names with a colour, each less often than the one before it."""
