import numpy as np
import pytest

from ezsd.pipeline.data.world.names import (
    CATEGORY_IDS,
    LONG_TAIL_COLOURS,
    LONG_TAIL_IDS,
    LONG_TAIL_NAMES,
    LONG_TAIL_SHARES,
    NAMES,
    SHAPES,
    WORDS,
    coloured_parts_of,
    parts_of,
)
from ezsd.split import builtin_split
from ezsd.teacher.prompts import spoken

NEVER_BOXED = {"boat", "butterfly", "tie"}


def test_names_are_every_word_with_every_shape():
    assert len(NAMES) == len(set(NAMES)) == len(SHAPES) * len(WORDS) == 65
    assert {parts_of(name) for name in NAMES} == {(w, s) for w in WORDS for s in SHAPES}


def test_category_ids_are_unique_and_start_at_one():
    assert sorted(CATEGORY_IDS.values()) == list(range(1, 66))


def test_split_covers_all_names_once():
    split = builtin_split("world_48_17")
    assert (len(split.base), len(split.novel)) == (48, 17)
    assert sorted(split.names) == sorted(NAMES)


def test_each_word_is_on_both_sides_but_some_shapes_are_novel_alone():
    split = builtin_split("world_48_17")
    base, novel = ([parts_of(name) for name in side] for side in (split.base, split.novel))
    assert {word for word, _ in base} == {word for word, _ in novel} == set(WORDS)
    assert {shape for _, shape in base} == set(SHAPES) - NEVER_BOXED
    assert {shape for _, shape in novel} > NEVER_BOXED


def test_an_unknown_name_is_refused_with_an_example():
    with pytest.raises(KeyError, match="striped fish"):
        parts_of("striped zebra")


def test_long_tail_names_are_every_colour_with_every_everyday_name():
    spelled = {spoken(name) for name in LONG_TAIL_NAMES}
    assert spelled == {f"{colour} {name}" for colour in LONG_TAIL_COLOURS for name in NAMES}
    assert len(LONG_TAIL_NAMES) == 260 and sorted(LONG_TAIL_IDS.values()) == list(range(1, 261))


def test_shares_follow_a_power_law():
    assert LONG_TAIL_SHARES.sum() == pytest.approx(1)
    np.testing.assert_allclose(LONG_TAIL_SHARES[0] / LONG_TAIL_SHARES, np.arange(1, 261))


def test_an_unknown_long_tail_name_is_refused_with_an_example():
    with pytest.raises(KeyError, match="red_striped_fish"):
        coloured_parts_of("striped fish")
