"""Everyday scenes are annotated as COCO, those of the long tail as LVIS."""

import io
import json
from collections import Counter
from contextlib import redirect_stdout
from functools import cache

import pytest
from pycocotools.coco import COCO

from ezsd.pipeline.data.world.annotations import (
    annotation_file,
    coco_categories,
    coco_records,
    frequency_of,
    likely_base,
    lvis_categories,
    lvis_records,
)
from ezsd.pipeline.data.world.names import LONG_TAIL_IDS, LONG_TAIL_NAMES, NAMES
from ezsd.pipeline.data.world.objects import LONG_TAIL
from ezsd.pipeline.data.world.scenes import Scene, draw_scene

SEED, SEEN = 1, 40


@cache
def everyday_scenes() -> tuple[Scene, ...]:
    return tuple(draw_scene(0, "train", index) for index in range(60))


def as_coco(split: str, scenes: tuple[Scene, ...]) -> dict:
    images, annotations = [], []
    for index, scene in enumerate(scenes):
        image, of_image = coco_records(0, split, index, scene)
        images.append(image)
        annotations.extend(of_image)
    return annotation_file(images, annotations, coco_categories(annotations))


def test_pycocotools_reads_the_annotations(tmp_path):
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(as_coco("train", everyday_scenes())))
    with redirect_stdout(io.StringIO()):
        coco = COCO(str(path))
    assert len(coco.imgs) == 60 and len(coco.cats) == 65
    assert len(coco.anns) == sum(len(scene.objects) for scene in everyday_scenes())
    for annotation in coco.loadAnns(coco.getAnnIds(iscrowd=True)):
        assert coco.annToMask(annotation).sum() == annotation["area"]


def test_ids_are_unique_over_all_splits_and_name_the_files():
    train, val = (as_coco(split, everyday_scenes()[:1]) for split in ("train", "val"))
    (image,) = train["images"]
    assert image["id"] != val["images"][0]["id"]
    assert image["file_name"] == f"{image['id']:012d}.jpg"
    assert not {a["id"] for a in train["annotations"]} & {a["id"] for a in val["annotations"]}


def test_a_data_set_of_no_scene_has_all_categories():
    empty = as_coco("train", ())
    assert empty["images"] == empty["annotations"] == []
    assert [category["name"] for category in empty["categories"]] == list(NAMES)


@cache
def scenes() -> tuple[Scene, ...]:
    return tuple(draw_scene(SEED, "train", index, LONG_TAIL) for index in range(SEEN))


def records() -> list[tuple[dict, list[dict], Scene]]:
    return [(*lvis_records(SEED, "train", index, scene), scene) for index, scene in enumerate(scenes())]


def test_annotators_make_no_mistake():
    for image, annotations, scene in records():
        shown = {LONG_TAIL_IDS[thing.category] for thing in scene.objects}
        boxed = [one["category_id"] for one in annotations]
        assert set(boxed) <= shown and not set(image["neg_category_ids"]) & shown
        assert len(image["neg_category_ids"]) == 12
        assert set(image["not_exhaustive_category_ids"]) <= set(boxed)
        things = Counter(LONG_TAIL_IDS[thing.category] for thing in scene.objects if not thing.crowd)
        for id_ in boxed:  # all of a name, unless it is not exhaustive
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
