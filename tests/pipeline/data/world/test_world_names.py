import pytest

from ezsd.pipeline.data.world import CATEGORY_IDS, NAMES, SHAPES, TEXTURES
from ezsd.pipeline.data.world.names import parts_of
from ezsd.split import builtin_split


def test_names_are_every_texture_with_every_shape():
    assert len(NAMES) == len(set(NAMES)) == len(SHAPES) * len(TEXTURES) == 65
    assert {parts_of(name) for name in NAMES} == {(t, s) for t in TEXTURES for s in SHAPES}


def test_category_ids_are_unique_and_start_at_one():
    assert sorted(CATEGORY_IDS.values()) == list(range(1, 66))


def test_split_covers_all_names_once():
    split = builtin_split("world_48_17")
    assert (len(split.base), len(split.novel)) == (48, 17)
    assert sorted(split.names) == sorted(NAMES)


def test_each_texture_and_each_shape_is_seen_among_base_and_asked_among_novel():
    split = builtin_split("world_48_17")
    for side in (split.base, split.novel):
        assert {parts_of(name)[0] for name in side} == set(TEXTURES)
        assert {parts_of(name)[1] for name in side} == set(SHAPES)


def test_an_unknown_name_is_refused_with_an_example():
    with pytest.raises(KeyError, match="striped fish"):
        parts_of("striped zebra")
