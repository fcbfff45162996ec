"""The long tail: names with colours, drawn by a power law, annotated as LVIS's photos are."""

from collections import Counter
from functools import cache

import numpy as np
import pytest

from ezsd.pipeline.data.world.colours import rgb
from ezsd.pipeline.data.world.lvis import frequency_of, likely_base, lvis_categories, lvis_records
from ezsd.pipeline.data.world.names import (
    LONG_TAIL_COLOURS,
    LONG_TAIL_IDS,
    LONG_TAIL_NAMES,
    LONG_TAIL_SHARES,
    NAMES,
    coloured_parts_of,
)
from ezsd.pipeline.data.world.objects import Pose
from ezsd.pipeline.data.world.scenes import Scene, draw_scene
from ezsd.pipeline.data.world.vocabulary import LONG_TAIL
from ezsd.teacher.prompts import spoken

SEED, SEEN = 1, 40


@cache
def scenes() -> tuple[Scene, ...]:
    return tuple(draw_scene(SEED, "train", index, LONG_TAIL) for index in range(SEEN))


def records() -> list[tuple[dict, list[dict], Scene]]:
    return [(*lvis_records(SEED, "train", index, scene), scene) for index, scene in enumerate(scenes())]


def test_names_are_every_colour_with_every_everyday_name():
    spelled = {spoken(name) for name in LONG_TAIL_NAMES}
    assert spelled == {f"{colour} {name}" for colour in LONG_TAIL_COLOURS for name in NAMES}
    assert len(LONG_TAIL_NAMES) == 260 and sorted(LONG_TAIL_IDS.values()) == list(range(1, 261))


def test_shares_follow_a_power_law():
    assert LONG_TAIL_SHARES.sum() == pytest.approx(1)
    np.testing.assert_allclose(LONG_TAIL_SHARES[0] / LONG_TAIL_SHARES, np.arange(1, 261))


def test_an_unknown_name_is_refused_with_an_example():
    with pytest.raises(KeyError, match="red_striped_fish"):
        coloured_parts_of("striped fish")


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


def test_scenes_show_the_first_names_most():
    seen = Counter(thing.category for scene in scenes() for thing in scene.objects)
    assert seen.keys() <= LONG_TAIL_IDS.keys()
    head, tail = LONG_TAIL_NAMES[:10], LONG_TAIL_NAMES[130:]
    assert sum(seen[name] for name in head) > 2 * sum(seen[name] for name in tail) > 0


def test_what_annotators_say_of_a_scene_is_true():
    for image, annotations, scene in records():
        shown = {LONG_TAIL_IDS[thing.category] for thing in scene.objects}
        boxed = [one["category_id"] for one in annotations]
        assert set(boxed) <= shown and not set(image["neg_category_ids"]) & shown
        assert len(image["neg_category_ids"]) == 12
        assert set(image["not_exhaustive_category_ids"]) <= set(boxed)
        things = Counter(LONG_TAIL_IDS[thing.category] for thing in scene.objects if not thing.crowd)
        for id_ in boxed:  # all of a name, unless it is said that some are missing
            partial = id_ in image["not_exhaustive_category_ids"]
            assert boxed.count(id_) == (1 if partial else things[id_])


def test_annotators_leave_out_some_names_and_box_no_crowd():
    annotated = [one for _, annotations, _ in records() for one in annotations]
    things = [thing for scene in scenes() for thing in scene.objects]
    assert any(thing.crowd for thing in things)
    assert 0.75 < len(annotated) / len(things) < 0.95
    assert not any("iscrowd" in one for one in annotated)
    assert any(image["not_exhaustive_category_ids"] for image, _, _ in records())


def test_annotations_of_a_scene_alone_are_those_of_it_in_a_row():
    assert lvis_records(SEED, "train", 7, scenes()[7]) == records()[7][:2]
    assert lvis_records(SEED + 1, "train", 7, scenes()[7]) != records()[7][:2]


@pytest.mark.parametrize(("photos", "kind"), [(0, "r"), (10, "r"), (11, "c"), (100, "c"), (101, "f")])
def test_frequency_follows_the_rule_of_lvis(photos: int, kind: str):
    assert frequency_of(photos) == kind


def test_frequency_counts_photos_not_things():
    # name 1: twice in each of 6 photos; name 2: once in each of 11
    training = [{"image_id": photo, "category_id": 1} for photo in range(6) for _ in range(2)]
    training += [{"image_id": photo, "category_id": 2} for photo in range(11)]
    first, second, third, *_ = lvis_categories(training)
    assert (first["image_count"], first["instance_count"], first["frequency"]) == (6, 12, "r")
    assert (second["image_count"], second["frequency"]) == (11, "c")
    assert (third["image_count"], third["frequency"]) == (0, "r")


def test_names_that_are_expected_to_be_base_are_the_first():
    # 4.5 boxes a scene, of which name k has 1 / (k * 6.14): more than 10 in 800 scenes up to k = 58
    assert likely_base(800) == LONG_TAIL_NAMES[:58]
