from collections import Counter
from functools import cache

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from ezsd.pipeline.data.world.names import LONG_TAIL_IDS, LONG_TAIL_NAMES, NAMES
from ezsd.pipeline.data.world.objects import LONG_TAIL
from ezsd.pipeline.data.world.scenes import SCENE_SIZES_WH, Scene, draw_scene

SEEN = 60


@cache
def scenes() -> tuple[Scene, ...]:
    return tuple(draw_scene(0, "train", index) for index in range(SEEN))


def things():
    return [thing for scene in scenes() for thing in scene.objects]


def same(one: Scene, other: Scene) -> bool:
    return np.array_equal(one.image, other.image) and one.objects == other.objects


def test_a_scene_drawn_alone_is_the_scene_drawn_in_a_row():
    for index in (57, 3):
        assert same(draw_scene(0, "train", index), scenes()[index])


def test_seed_split_and_index_each_give_another_scene():
    first = scenes()[0]
    for other in (draw_scene(1, "train", 0), draw_scene(0, "val", 0), scenes()[1]):
        assert not same(first, other)


def test_an_unknown_split_and_a_negative_index_are_refused():
    with pytest.raises(KeyError):
        draw_scene(0, "holiday", 0)
    with pytest.raises(ValueError):
        draw_scene(0, "train", -1)


def test_images_are_rgb_bytes_of_the_stated_sizes():
    for scene in scenes():
        assert scene.image.dtype == np.uint8
        height, width, channels = scene.image.shape
        assert (width, height) in SCENE_SIZES_WH and channels == 3
    assert len({scene.image.shape for scene in scenes()}) == len(SCENE_SIZES_WH)


def test_boxes_are_tight_around_the_masks_and_areas_count_them():
    for scene in scenes():
        for thing in scene.objects:
            mask = coco_mask.decode(thing.rle)
            assert mask.shape == scene.image.shape[:2]
            x, y, w, h = coco_mask.toBbox(thing.rle)
            assert thing.box_xyxy == (x, y, x + w, y + h)
            assert thing.area == mask.sum() > 0


def test_masks_do_not_overlap():
    for scene in scenes():
        masks = [coco_mask.decode(thing.rle) for thing in scene.objects]
        assert np.sum(masks, axis=0).max(initial=0) <= 1


def test_every_thing_is_named_and_large_enough_to_see():
    for thing in things():
        x0, y0, x1, y1 = thing.box_xyxy
        assert thing.category in NAMES
        assert min(x1 - x0, y1 - y0) >= 12


def test_sizes_span_a_factor_of_five():
    longest = [max(t.box_xyxy[2] - t.box_xyxy[0], t.box_xyxy[3] - t.box_xyxy[1]) for t in things()]
    assert max(longest) / min(longest) >= 5


def test_scenes_hold_some_things_but_some_are_empty_and_some_have_a_crowd():
    counts = [sum(not thing.crowd for thing in scene.objects) for scene in scenes()]
    assert max(counts) <= 12 and np.median(counts) >= 4
    assert 0 in counts
    assert 0.02 < np.mean([any(thing.crowd for thing in scene.objects) for scene in scenes()]) < 0.25


def test_scenes_of_the_long_tail_show_the_first_names_most():
    scenes = [draw_scene(1, "train", index, LONG_TAIL) for index in range(40)]
    seen = Counter(thing.category for scene in scenes for thing in scene.objects)
    assert seen.keys() <= LONG_TAIL_IDS.keys()
    head, tail = LONG_TAIL_NAMES[:10], LONG_TAIL_NAMES[130:]
    assert sum(seen[name] for name in head) > 2 * sum(seen[name] for name in tail) > 0
