"""The one reader of training photos: what it does about crowd regions, and what it costs to send."""

import pickle
from pathlib import Path

import pytest
import torch
from support.teacher_runs import CROWDED, SCENES, SIDE, context_of, prepare_colours

from ezsd.pipeline.data.training_photos import TrainingPhotos, open_training_photos


@pytest.fixture
def photos(tmp_path: Path) -> TrainingPhotos:
    prepare_colours(tmp_path)
    return open_training_photos(context_of("mine", tmp_path))


def test_a_photo_with_its_base_boxes(photos: TrainingPhotos) -> None:
    assert len(photos) == len(SCENES)
    assert photos.size_hw(3) == (SIDE, SIDE)
    assert photos.photo(3).shape == (3, SIDE, SIDE) and photos.photo(3).dtype == torch.uint8
    assert photos.objects_xyxy(3).tolist() == [[0, 0, 20, 40], [30, 10, 60, 30]]
    assert photos.labels(3).tolist() == [2, 0]
    assert photos.objects_xyxy(2).shape == (0, 4) and photos.labels(2).dtype == torch.int64


def test_a_crowd_region_is_no_object_but_occupies_its_place(photos: TrainingPhotos) -> None:
    assert photos.objects_xyxy(CROWDED).shape == (0, 4)
    assert photos.labels(CROWDED).tolist() == []
    assert photos.occupied_xyxy(CROWDED).shape == (1, 4)
    assert photos.occupied_xyxy(3).tolist() == photos.objects_xyxy(3).tolist()
    assert photos.index.rows_with_objects().tolist() == [0, 1, 3]
    assert photos.index.most_objects() == 2


def test_what_was_read_is_not_sent_to_workers(photos: TrainingPhotos) -> None:
    before = len(pickle.dumps(photos))
    assert len(photos.index.photos) == len(SCENES)
    sent = pickle.dumps(photos)
    assert len(sent) == before
    assert pickle.loads(sent).labels(3).tolist() == [2, 0]
