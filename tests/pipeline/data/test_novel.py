"""Few-shot and novel photos: what training sees of novel objects when the user asks for it."""

from pathlib import Path

import pytest

from ezsd.pipeline.data.novel import read_training_for
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.data.views import read_training
from ezsd.pipeline.errors import DataError, ParamsError

COW = 2


@pytest.fixture
def read(tiny_dataset):
    """Reads the training data with overrides; photos 10 and 120 have a cow each, 10 base boxes too."""

    def run(*overrides):
        params = tiny_dataset.params(*overrides)
        sources = resolve_sources(params.data, Path(), Path())
        return read_training_for(params.prepare, sources, params.data.split)

    return run


def shots(count, seed=0):
    return f"prepare.novel_shots={{per_name: {count}, seed: {seed}}}"


DROP = "prepare.novel_images=drop"


def novel_of(training):
    return training.boxes.annotation_ids[training.boxes.labels == COW].tolist()


def test_by_default_novel_annotations_are_not_read(read, tiny_dataset):
    for one in tiny_dataset.train["annotations"]:
        if one["category_id"] == 21:
            one["bbox"] = "nobody reads this"
    tiny_dataset.save()
    training = read()
    assert novel_of(training) == [] and len(training.photos) == 5
    assert training.split.labelled == ("cat", "dog")
    with pytest.raises(DataError, match="bbox is 'nobody reads this'"):
        read(shots(1))


def test_the_seed_draws_the_shots_of_a_novel_name(read):
    one = read(shots(1))
    assert one.split.labelled == ("cat", "dog", "cow")
    assert len(novel_of(one)) == 1
    assert novel_of(one) == novel_of(read(shots(1)))
    assert {id_ for seed in range(8) for id_ in novel_of(read(shots(1, seed)))} == {102, 104}
    assert one.boxes.annotation_ids[one.boxes.labels < COW].tolist() == [100, 101, 103, 105, 106]


def test_a_name_with_fewer_gives_all_it_has_but_nothing_unusable(read, tiny_dataset):
    assert novel_of(read(shots(5))) == [102, 104]
    tiny_dataset.train["annotations"][2]["iscrowd"] = 1
    tiny_dataset.save()
    assert novel_of(read(shots(5))) == [104]


def test_the_order_of_the_file_draws_no_other_boxes(read, tiny_dataset):
    before = novel_of(read(shots(1)))
    tiny_dataset.train["annotations"].reverse()
    tiny_dataset.save()
    assert novel_of(read(shots(1))) == before


def test_photos_of_novel_objects_are_left_out_with_their_base_boxes(read):
    training = read(DROP)
    assert sorted(training.photos.ids.tolist()) == [7, 30, 31]
    assert sorted(training.boxes.annotation_ids.tolist()) == [103, 105, 106]
    assert training.split.labelled == ("cat", "dog")


def test_photos_of_shots_stay(read):
    training = read(DROP, shots(1))
    (shot,) = novel_of(training)
    photo = {102: 10, 104: 120}[shot]
    assert sorted(training.photos.ids.tolist()) == sorted([7, 30, 31, photo])


def test_every_photo_has_a_novel_object(read, tiny_dataset):
    for one in tiny_dataset.train["annotations"]:
        one["image_id"] = 10
    tiny_dataset.save()
    with pytest.raises(DataError, match=r"no base box is left .*: set prepare\.novel_images to keep"):
        read(DROP)


@pytest.mark.parametrize(
    ("overrides", "label"),
    [
        ([], "names known"),
        ([shots(2)], "few-shot 2, names known"),
        ([DROP], "names known, no novel photos"),
        ([DROP, shots(2)], "few-shot 2, names known, no other novel photos"),
    ],
)
def test_what_a_result_is_called(read, overrides, label):
    assert read(*overrides).split.protocol("names known") == label


def test_shots_and_strict_names_are_refused(tiny_dataset):
    with pytest.raises(ParamsError, match=r"prepare\.novel_shots reveals the novel names: set mine\.names"):
        tiny_dataset.params(shots(1), "mine.names=strict")


def test_without_a_choice_it_is_the_plain_reading(read, tiny_dataset):
    params = tiny_dataset.params()
    plain = read_training(resolve_sources(params.data, Path(), Path()), params.data.split)
    assert plain.split == read().split
    assert plain.boxes.annotation_ids.tolist() == read().boxes.annotation_ids.tolist()
