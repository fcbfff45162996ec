import numpy as np
import pytest

from ezsd.pipeline.data.world.names import LONG_TAIL_COLOURS
from ezsd.pipeline.data.world.objects import LONG_TAIL, Pose
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
