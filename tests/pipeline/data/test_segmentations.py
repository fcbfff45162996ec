"""Masks of base boxes out of COCO's file: the right ones, checked, and no others read."""

from dataclasses import replace

import numpy as np
import pytest

from ezsd.masks import decode_masks, is_empty
from ezsd.pipeline.data.digests import masks_digest
from ezsd.pipeline.data.prepared import Inspected, index_training
from ezsd.pipeline.data.segmentations import index_masks, masks_of
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.data.views import clean_training_boxes, read_training
from ezsd.pipeline.errors import DataError


@pytest.fixture
def read(tiny_dataset, tmp_path):
    """Gives the index and its masks, from the data set as it is saved now."""

    def run():
        tiny_dataset.save()
        params = tiny_dataset.params()
        sources = resolve_sources(params.data, tmp_path, tmp_path)
        training = read_training(sources, params.data.split)
        photos = len(training.photos)
        seen = Inspected(np.ones((photos, 16), np.uint8), np.ones(photos, np.bool_), ())
        boxes = clean_training_boxes(training).boxes
        index = index_training(training.photos, seen, boxes, "keep")
        return index, index_masks(masks_of(sources.train, boxes, training.photos, training.split.base), index)

    return run


def digest(tiny_dataset, tmp_path):
    tiny_dataset.save()
    params = tiny_dataset.params()
    sources = resolve_sources(params.data, tmp_path, tmp_path)
    training = read_training(sources, params.data.split)
    boxes, names = clean_training_boxes(training).boxes, training.split.labelled
    return masks_digest(sources.train, boxes, training.photos, names)


def annotation(tiny_dataset, category_id):
    return next(one for one in tiny_dataset.train["annotations"] if one["category_id"] == category_id)


def test_each_box_has_the_mask_that_fills_it(read):
    index, masks = read()
    assert len(masks) == len(index.boxes) > 0
    for photo in range(len(index)):
        width, height = index.photos.sizes_wh[photo].tolist()
        first = int(index.boxes.offsets[photo])
        for place, box in enumerate(index.boxes_of(photo).boxes_xyxy.astype(int).tolist()):
            mask = decode_masks([masks.of(first + place)], (height, width))[0]
            x0, y0, x1, y1 = box
            assert mask[y0:y1, x0:x1].all() and mask.sum() == (x1 - x0) * (y1 - y0)


def test_an_annotation_without_a_mask_gets_an_empty_one(read, tiny_dataset):
    del tiny_dataset.train["annotations"][0]["segmentation"]
    index, masks = read()
    empty = [is_empty(masks.of(row), (48, 64)) for row in range(len(masks))]
    assert index.boxes.annotation_ids[empty].tolist() == [100]


def test_a_data_set_without_masks_is_refused(read, tiny_dataset):
    for one in tiny_dataset.train["annotations"]:
        one["segmentation"] = []
    with pytest.raises(DataError, match=r"no segmentation of any box: .*prepare\.masks to false"):
        read()


def test_a_mask_that_cannot_be_used_is_named(read, tiny_dataset):
    tiny_dataset.train["annotations"][0]["segmentation"] = [[1, 2, 3]]
    with pytest.raises(DataError, match="annotation 100: a polygon is no list of numbers"):
        read()


def test_novel_masks_are_not_read(read, tiny_dataset, tmp_path):
    before, made = digest(tiny_dataset, tmp_path), read()[1]
    cow = annotation(tiny_dataset, tiny_dataset.CATEGORY_IDS["cow"])
    cow |= {"id": 100, "segmentation": [["nonsense"]]}  # even when it has a base annotation's id
    after, again = digest(tiny_dataset, tmp_path), read()[1]
    assert after == before
    assert again.counts.tobytes() == made.counts.tobytes()


def test_base_masks_are_in_the_fingerprint(tiny_dataset, tmp_path):
    before = digest(tiny_dataset, tmp_path)
    tiny_dataset.train["annotations"][0]["segmentation"][0][0] += 3
    assert digest(tiny_dataset, tmp_path) != before


def test_voc_has_no_masks(tiny_dataset, tmp_path):
    tiny_dataset.save()
    params = tiny_dataset.params()
    sources = resolve_sources(params.data, tmp_path, tmp_path)
    training = read_training(sources, params.data.split)
    voc = replace(sources.train, format="voc")
    with pytest.raises(DataError, match="format voc, which has no masks"):
        masks_of(voc, training.boxes, training.photos, training.split.base)
