"""The three views of a data set, and the split that they share."""

from pathlib import Path

import pytest

from ezsd.errors import InputError
from ezsd.pipeline.data.sources import DataSources, resolve_sources
from ezsd.pipeline.data.tables import Category
from ezsd.pipeline.data.views import (
    choose_split,
    read_full_annotations,
    read_training,
    read_validation_photos,
)
from ezsd.pipeline.errors import DataError
from ezsd.pipeline.params import OwnSplit, parse_params, preset_text
from ezsd.split import Split


def sources_of(dataset) -> DataSources:
    return resolve_sources(dataset.params().data, Path("elsewhere"), Path("elsewhere"))


OWN = OwnSplit(base=("cat", "dog"), novel=("cow",))


def test_training_sees_all_photos_and_base_boxes(tiny_dataset):
    data = read_training(sources_of(tiny_dataset), OWN)
    assert data.split.names == ("cat", "dog", "cow")
    assert len(data.photos) == 5
    assert data.boxes.annotation_ids.tolist() == [100, 101, 103, 105, 106]


def test_validation_sees_photos(tiny_dataset):
    sources = sources_of(tiny_dataset)
    tiny_dataset.val["annotations"] = "nobody reads this"
    tiny_dataset.save()
    split = read_training(sources, OWN).split
    assert read_validation_photos(sources, split).file_names == ("v1.jpg", "v2.jpg")


def test_evaluation_sees_everything(tiny_dataset):
    sources = sources_of(tiny_dataset)
    split = read_training(sources, OWN).split
    full = read_full_annotations(sources, "train", split)
    assert full.clean.boxes.labels.tolist() == [0, 1, 2, 0, 2, 1, 0]
    assert full.categories["cow"].id == tiny_dataset.CATEGORY_IDS["cow"]


@pytest.mark.parametrize(
    ("base", "novel", "message"),
    [
        (
            ("cat", "dgo"),
            ("cow",),
            r"'dgo' is none of the 4 categories of .*train\.json, did you mean 'dog'\?",
        ),
        (("xyzzy",), ("cow",), r"'xyzzy' is none of the 4 categories of .*train\.json; correct"),
        (("cat", "cow"), ("cow",), "'cow' stands in both base and novel"),
    ],
)
def test_a_split_that_does_not_fit_is_refused(tiny_dataset, base, novel, message):
    with pytest.raises((DataError, InputError), match=message):
        read_training(sources_of(tiny_dataset), OwnSplit(base=base, novel=novel))


def test_novel_names_need_no_category_but_base_names_do(tiny_dataset):
    sources = sources_of(tiny_dataset)
    data = read_training(sources, OwnSplit(base=("cat", "dog"), novel=("horse", "cow")))
    read_validation_photos(sources, data.split)
    full = read_full_annotations(sources, "val", data.split)
    assert {name: category.id for name, category in full.categories.items()} == {
        "cat": 17, "dog": 18, "horse": 64, "cow": 21,
    }  # fmt: skip
    tiny_dataset.val["categories"] = [row for row in tiny_dataset.val["categories"] if row["name"] != "dog"]
    with pytest.raises(DataError, match=r"'dog' is none of the 3 categories of .*val\.json"):
        read_validation_photos(sources_of(tiny_dataset.save()), data.split)


def test_no_base_box_at_all(tiny_dataset):
    tiny_dataset.train["annotations"] = [
        row for row in tiny_dataset.train["annotations"] if row["category_id"] == 21
    ]
    with pytest.raises(DataError, match="has no box of any base name"):
        read_training(sources_of(tiny_dataset.save()), OWN)


def test_an_annotation_of_an_unlisted_image(tiny_dataset):
    tiny_dataset.train["annotations"][0]["image_id"] = 999
    with pytest.raises(DataError, match="annotation 100 is of image 999, which is not listed"):
        read_training(sources_of(tiny_dataset.save()), OWN)


def test_splits_by_name():
    categories = [Category(1, "cat", "f"), Category(2, "dog", "r")]
    assert choose_split("voc_15_5_1", [], Path("x")).name == "voc_15_5_1"
    assert choose_split("lvis_866_337", categories, Path("x")).novel == ("dog",)
    with pytest.raises(DataError, match="no split 'coco_48_71', did you mean 'coco_48_17'"):
        choose_split("coco_48_71", [], Path("x"))


@pytest.mark.parametrize(
    ("name", "base", "novel"),
    [
        ("lvis_866_337", ("aerosol_can", "zebra"), ("hornet",)),
        ("lvis_405_798", ("aerosol_can",), ("hornet", "zebra")),
    ],
)
def test_splits_by_frequency(name, base, novel):
    categories = [Category(3, "zebra", "c"), Category(1, "aerosol_can", "f"), Category(2, "hornet", "r")]
    assert choose_split(name, categories, Path("x")) == Split(name, base, novel)


def test_categories_without_frequency_make_no_split():
    with pytest.raises(DataError, match=r"coco\.json: its categories have no 'frequency'"):
        choose_split("lvis_866_337", [Category(1, "cat")], Path("coco.json"))


def test_the_coco_split_names_the_evaluation_photos(coco_photos):
    text = preset_text("coco").replace("datasets/data", coco_photos.as_posix())
    sources = resolve_sources(parse_params(text).data, Path(), Path())
    data = read_training(sources, "coco_48_17")
    assert (len(data.photos), len(data.boxes)) == (80, 535)
    full = read_full_annotations(sources, "val", data.split)
    assert len(full.photos) == 79
    assert full.clean.quarantined == ()
    assert (full.clean.boxes.labels >= 48).any()
