"""Each finding of `data check` on a tiny data set, and that it stops where the pipeline does."""

import json
import shutil

import pytest
from support.formats import as_lvis, as_voc

from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.data.views import read_training, read_validation_photos
from ezsd.pipeline.data_check.check import CUT, check_data
from ezsd.pipeline.errors import DataError
from ezsd.pipeline.params import parse_params, preset_text

OTHER_NAME = "name in the file that is not in the split"


def check(params, root, cut_names=lambda names: []):
    return check_data(params, root, resolve_sources(params.data, root, root), cut_names)


def cases_of(report, which="train"):
    """What was found in a set, by kind."""
    return {one.kind: [case.text for case in one.cases] for one in report.findings if one.which == which}


def add_box(dataset, **changes):
    """A further annotation of the first photo, a copy of its cat with changes."""
    boxes = dataset.train["annotations"]
    boxes.append({**boxes[0], "id": 900 + len(boxes), **changes})


def add_photo(dataset, name, **changes):
    dataset.train["images"].append({"id": 500, "file_name": name, "width": 48, "height": 64, **changes})


def test_clean_data_are_counted(tiny_dataset, tmp_path):
    report = check(tiny_dataset.params(), tmp_path)
    assert report.stops == []
    assert cases_of(report) == cases_of(report, "val") == {OTHER_NAME: ["'sofa'"]}
    train, val = report.sets["train"], report.sets["val"]
    assert (train.photos, train.empty_photos, train.base, train.novel, train.crowd) == (5, 1, 5, 2, 1)
    assert (train.small, train.medium, train.large, train.clipped) == (4, 2, 0, 0)
    assert (val.photos, val.empty_photos, val.base, val.novel, val.crowd) == (2, 0, 2, 1, 0)
    assert [(one.name, one.group, one.boxes) for one in report.names] == [
        ("cat", "base", {"train": 3, "val": 1}),
        ("dog", "base", {"train": 2, "val": 1}),
        ("cow", "novel", {"train": 2, "val": 1}),
    ]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"bbox": [5, 5, 0, 3]}, "the box has no area"),
        ({"bbox": [200, 5, 3, 3]}, "the box is outside the photo"),
        ({"bbox": [5, 5, 0.5, 9]}, "less than 1 pixel of the box is left on a side"),
        ({"bbox": [float("nan"), 5, 3, 3]}, "a coordinate is not a finite number"),
    ],
)
def test_a_box_that_cannot_be_used(tiny_dataset, tmp_path, change, kind):
    add_box(tiny_dataset, **change)
    report = check(tiny_dataset.save().params(), tmp_path)
    (case,) = cases_of(report)[kind]
    assert case.startswith("annotation 908 of image 10,")
    assert case.endswith("(b.jpg)")
    assert "1 of 6 boxes cannot be used" in report.stops[0]
    json.dumps(report.as_json(), allow_nan=False)
    assert check(tiny_dataset.params("prepare.max_quarantined_fraction=0.5"), tmp_path).stops == []


def test_a_novel_box_that_cannot_be_used_stops_nothing(tiny_dataset, tmp_path):
    add_box(tiny_dataset, bbox=[5, 5, 0, 3], category_id=tiny_dataset.CATEGORY_IDS["cow"])
    report = check(tiny_dataset.save().params(), tmp_path)
    assert "the box has no area" in cases_of(report)
    assert report.stops == []


def test_identical_boxes_of_one_name(tiny_dataset, tmp_path):
    add_box(tiny_dataset)
    add_box(tiny_dataset, category_id=tiny_dataset.CATEGORY_IDS["dog"])
    report = check(tiny_dataset.save().params(), tmp_path)
    expected = ["annotations 100, 908 of image 10 are the same box (b.jpg)"]
    assert cases_of(report)["several identical boxes of one name"] == expected
    assert report.stops == []


def test_boxes_that_stick_out_are_counted(tiny_dataset, tmp_path):
    add_box(tiny_dataset, bbox=[50, 40, 30, 30])
    report = check(tiny_dataset.save().params(), tmp_path)
    assert report.sets["train"].clipped == 1
    assert report.stops == []


STOPPING = {
    "image id listed twice": lambda data: add_photo(data, "a.jpg", id=10),
    "file listed twice": lambda data: add_photo(data, "a.jpg"),
    "annotation id listed twice": lambda data: add_box(data, id=100, bbox=[1, 1, 5, 5]),
    "box of an image that is not listed": lambda data: add_box(data, image_id=77),
}


@pytest.mark.parametrize("kind", STOPPING)
def test_it_stops_where_the_pipeline_does_with_the_same_message(tiny_dataset, tmp_path, kind):
    STOPPING[kind](tiny_dataset)
    params = tiny_dataset.save().params()
    report = check(params, tmp_path)
    assert len(cases_of(report)[kind]) == 1
    with pytest.raises(DataError) as error:
        read_training(resolve_sources(params.data, tmp_path, tmp_path), params.data.split)
    assert str(error.value) in report.stops


def test_names_that_do_not_fit_the_split(tiny_dataset, tmp_path):
    params = tiny_dataset.params("data.split={base: [cat, dog, sofa], novel: [cow]}")
    tiny_dataset.val["categories"] = [row for row in tiny_dataset.val["categories"] if row["name"] != "dog"]
    tiny_dataset.val["annotations"] = [
        row for row in tiny_dataset.val["annotations"] if row["category_id"] != 18
    ]
    tiny_dataset.save()
    report = check(params, tmp_path)
    assert cases_of(report, "val")["base name that is not in the file"] == ["'dog'"]
    assert cases_of(report, "val")["base name without a box"] == ["'sofa'"]
    sources = resolve_sources(params.data, tmp_path, tmp_path)
    split = read_training(sources, params.data.split).split
    with pytest.raises(DataError) as error:
        read_validation_photos(sources, split)
    assert report.stops == [str(error.value)]


def test_a_novel_name_that_no_file_has_is_reported_and_stops_nothing(tiny_dataset, tmp_path):
    report = check(tiny_dataset.params("data.split={base: [cat, dog], novel: [cow, gnu, sofas]}"), tmp_path)
    assert report.stops == []
    kind = "novel name without a box, so without an AP"
    assert cases_of(report, "val")[kind] == ["'gnu'", "'sofas', did you mean 'sofa'?"]
    assert kind not in cases_of(report)
    assert [(one.name, one.boxes) for one in report.names[3:]] == [
        ("gnu", {"train": 0, "val": 0}),
        ("sofas", {"train": 0, "val": 0}),
    ]


def test_photos_that_cannot_be_used(tiny_dataset, tmp_path):
    (tiny_dataset.photos("train") / "broken.jpg").write_bytes(b"no photo")
    add_photo(tiny_dataset, "gone.jpg")
    add_photo(tiny_dataset, "broken.jpg", id=501)
    tiny_dataset.train["images"][1]["width"] = 49  # a.jpg, of 48 pixels
    report = check(tiny_dataset.save().params(), tmp_path)
    found = cases_of(report)
    assert found["missing photo"][0].startswith("image 500 (gone.jpg)")
    assert found["photo that cannot be decoded"][0].startswith("image 501 (broken.jpg)")
    assert "48x64" in found["photo of another size than declared"][0]
    assert "49x64" in found["photo of another size than declared"][0]
    assert "3 of 7 photos cannot be used" in report.stops[0]


def test_a_link_out_of_the_folder_stops(tiny_dataset, tmp_path):
    (tmp_path / "elsewhere.jpg").write_bytes((tiny_dataset.photos("train") / "a.jpg").read_bytes())
    (tiny_dataset.photos("train") / "link.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    add_photo(tiny_dataset, "link.jpg")
    report = check(tiny_dataset.save().params(), tmp_path)
    assert len(cases_of(report)["photo outside its folder"]) == 1
    assert any("leads out of the folder" in sentence for sentence in report.stops)


def test_photos_that_occur_twice(tiny_dataset, tmp_path):
    train, val = tiny_dataset.photos("train"), tiny_dataset.photos("val")
    shutil.copy(train / "a.jpg", train / "twin.jpg")
    shutil.copy(train / "empty.jpg", val / "again.jpg")
    add_photo(tiny_dataset, "twin.jpg")
    shutil.copy(val / "v1.jpg", train / "v2.jpg")
    add_photo(tiny_dataset, "v2.jpg", id=501, width=64, height=48)
    again = {"id": 9, "file_name": "again.jpg", "width": 64, "height": 48}
    tiny_dataset.val["images"].append(again)
    report = check(tiny_dataset.save().params(), tmp_path)
    found = cases_of(report)
    assert found["several files with the same bytes"] == ["a.jpg, twin.jpg are the same photo"]
    assert found["file name in training and validation"] == ["v2.jpg is a file name in both sets"]
    assert found["photo in training and validation, byte for byte"] == [
        "empty.jpg is again.jpg of val",
        "v2.jpg is v1.jpg of val",
    ]
    assert report.stops == []


def test_names_that_the_tokenizer_cuts(tiny_dataset, tmp_path):
    params = tiny_dataset.params("mine.extra_names=[gnu]")
    report = check(params, tmp_path, cut_names=lambda names: [names[-1]])
    assert cases_of(report)[CUT] == ["'gnu'"]
    assert report.stops == []


@pytest.mark.parametrize("which", ["train", "val"])
def test_a_broken_file_is_reported_and_the_other_set_is_checked(tiny_dataset, tmp_path, which):
    tiny_dataset.annotations(which).write_text("{")
    report = check(tiny_dataset.params(), tmp_path)
    assert "broken JSON" in report.stops[0]
    # without the training file nobody knows the split
    assert list(report.sets) == (["train"] if which == "val" else [])


def test_masks_are_checked_when_the_params_ask_for_them(tiny_dataset, tmp_path):
    for annotation in tiny_dataset.train["annotations"]:
        del annotation["segmentation"]
    tiny_dataset.save()
    assert check(tiny_dataset.params(), tmp_path).stops == []
    (sentence,) = check(tiny_dataset.params("prepare.masks=true"), tmp_path).stops
    assert "no segmentation of any box" in sentence


def test_photos_of_novel_objects_may_be_all_that_there_is(tiny_dataset, tmp_path):
    tiny_dataset.train["annotations"] = tiny_dataset.train["annotations"][:3]  # cat, dog and cow on one photo
    tiny_dataset.save()
    assert check(tiny_dataset.params(), tmp_path).stops == []
    (sentence,) = check(tiny_dataset.params("prepare.novel_images=drop"), tmp_path).stops
    assert "prepare.novel_images" in sentence


@pytest.mark.parametrize("convert", [as_lvis, as_voc])
def test_other_formats(tiny_dataset, tmp_path, convert):
    expected = check(tiny_dataset.params(), tmp_path).sets["train"]
    params = convert(tiny_dataset)
    train = check(params, tmp_path).sets["train"]
    assert (train.photos, train.base, train.crowd) == (expected.photos, expected.base, expected.crowd)


def test_real_photos(coco_photos, tmp_path):
    text = preset_text("coco").replace("datasets/data", coco_photos.as_posix())
    report = check(parse_params(text, ["run.workers=1"]), tmp_path)
    assert report.stops == []
    assert (report.sets["train"].photos, report.sets["val"].photos) == (80, 79)
