"""The three views of a data set, and the split that they share."""

from pathlib import Path

import pytest

from ezsd.errors import InputError
from ezsd.pipeline.data.coco_form import as_coco
from ezsd.pipeline.data.sources import (
    DataSources,
    read_full_annotations,
    read_training,
    read_validation_photos,
    resolve_sources,
)
from ezsd.pipeline.data.splits import choose_split
from ezsd.pipeline.data.tables import Category
from ezsd.pipeline.errors import DataError
from ezsd.pipeline.params import OwnSplit, parse_params, preset_text


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


def test_full_annotations_in_cocos_form_keep_ids_and_boxes(tiny_dataset):
    sources = sources_of(tiny_dataset)
    split = read_training(sources, OWN).split
    coco = as_coco(read_full_annotations(sources, "train", split), split)
    assert [image["id"] for image in coco["images"]] == [7, 10, 30, 31, 120]
    assert [row["name"] for row in coco["categories"]] == ["cat", "dog", "cow"]
    expected = {row["id"]: row for row in tiny_dataset.train["annotations"] if row["category_id"] != 63}
    for row in expected.values():
        del row["segmentation"]
    assert {row["id"]: row for row in coco["annotations"]} == expected


def test_full_annotations_without_boxes(tiny_dataset):
    tiny_dataset.val["annotations"] = []
    sources = sources_of(tiny_dataset.save())
    split = read_training(sources, OWN).split
    full = read_full_annotations(sources, "val", split)
    assert as_coco(full, split)["annotations"] == []


def test_relative_paths_start_at_the_params_folder(tiny_dataset):
    data = tiny_dataset.params("data.train_photos=photos").data
    assert resolve_sources(data, Path("/runs/one"), Path("x")).train.photos == Path("/runs/one/photos")


def test_the_world_lies_in_the_prepared_folder():
    sources = resolve_sources(parse_params(preset_text("demo")).data, Path("/runs"), Path("/runs/p"))
    assert sources.val.annotations == Path("/runs/p/world/annotations/instances_val.json")
    assert sources.of("val").photos == Path("/runs/p/world/val")


def test_a_photo_folder_that_is_not_there(tiny_dataset):
    data = tiny_dataset.params("data.val_photos=absent").data
    with pytest.raises(DataError, match=r"photo folder .*absent does not exist"):
        resolve_sources(data, Path("/runs"), Path("x")).val.folder()


@pytest.mark.parametrize(
    ("base", "novel", "said"),
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
def test_a_split_that_does_not_fit_is_refused(tiny_dataset, base, novel, said):
    with pytest.raises((DataError, InputError), match=said):
        read_training(sources_of(tiny_dataset), OwnSplit(base=base, novel=novel))


def test_a_novel_name_is_looked_for_in_the_validation_file(tiny_dataset):
    tiny_dataset.train["categories"] = [
        row for row in tiny_dataset.train["categories"] if row["name"] != "cow"
    ]
    tiny_dataset.train["annotations"] = [
        row for row in tiny_dataset.train["annotations"] if row["category_id"] != 21
    ]
    sources = sources_of(tiny_dataset.save())
    data = read_training(sources, OWN)
    read_validation_photos(sources, data.split)
    other = read_training(sources, OwnSplit(base=("cat",), novel=("horse",)))
    with pytest.raises(DataError, match=r"'horse' is none of the 4 categories of .*val\.json"):
        read_validation_photos(sources, other.split)


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


def test_the_coco_split_names_the_evaluation_photos(coco_photos):
    text = preset_text("coco").replace("datasets/data", coco_photos.as_posix())
    sources = resolve_sources(parse_params(text).data, Path(), Path())
    data = read_training(sources, "coco_48_17")
    assert (len(data.photos), len(data.boxes)) == (80, 535)
    full = read_full_annotations(sources, "val", data.split)
    assert len(full.photos) == 79
    assert full.clean.findings == ()
    assert (full.clean.boxes.labels >= 48).any()
