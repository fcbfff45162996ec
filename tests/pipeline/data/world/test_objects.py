import numpy as np
import pytest

from ezsd.pipeline.data.world.canvas import box_of
from ezsd.pipeline.data.world.names import LONG_TAIL_COLOURS
from ezsd.pipeline.data.world.objects import EVERYDAY, LONG_TAIL, Pose
from ezsd.pipeline.data.world.surfaces import rgb


@pytest.mark.parametrize("colour", LONG_TAIL_COLOURS)
def test_a_thing_has_the_colour_of_its_name(colour: str):
    pure = {
        "red": rgb(0, 1, 1),
        "yellow": rgb(1 / 6, 1, 1),
        "green": rgb(1 / 3, 1, 1),
        "blue": rgb(2 / 3, 1, 1),
    }
    for seed in range(5):
        patch = LONG_TAIL.draw(f"{colour}_plain_house", Pose(60, 0), np.random.default_rng(seed))
        assert patch.colour == colour
        seen = np.median(patch.rgb[patch.mask], axis=0)
        seen = (seen - seen.min()) / (seen.max() - seen.min())
        assert min(pure, key=lambda name: np.abs(pure[name] - seen).sum()) == colour


def sides(name: str) -> tuple[float, float]:
    """Width and height of an upright thing whose longer side is 100 px."""
    x0, y0, x1, y1 = box_of(EVERYDAY.draw(name, Pose(100, 0), np.random.default_rng(0)).mask)
    return x1 - x0, y1 - y0


def test_a_mount_reaches_further_than_its_thing_in_the_direction_of_its_word():
    names = ("plain tie", "framed tie", "hanging tie")
    bare, framed, hanging = (width / height for width, height in map(sides, names))
    assert framed > 1.4 * bare and hanging < bare / 1.4


def test_a_frame_is_open_between_wire_and_thing():
    bare = EVERYDAY.draw("plain heart", Pose(100, 0), np.random.default_rng(0)).mask.sum()
    framed = EVERYDAY.draw("framed heart", Pose(100, 0), np.random.default_rng(0)).mask.sum()
    assert framed < bare
