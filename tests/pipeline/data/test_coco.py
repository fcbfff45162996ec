"""COCO-format files are read into tables, and each fault in them is named."""

import json
from pathlib import Path

import numpy as np
import pytest

from ezsd.pipeline.data.checks import read_boxes, read_photos
from ezsd.pipeline.data.coco import CocoFile
from ezsd.pipeline.errors import DataError


def test_photos_and_boxes_keep_ids_and_frame(tiny_dataset):
    file = CocoFile(tiny_dataset.annotations("train"))
    photos = file.photos()
    assert photos.ids.tolist() == [10, 7, 120, 30, 31]
    assert photos.file_names == ("b.jpg", "a.jpg", "sub/c.png", "empty.jpg", "d.jpg")
    assert photos.sizes_wh.tolist()[1] == [48, 64]
    boxes = file.boxes(["cat", "dog"])
    assert boxes.annotation_ids.tolist() == [100, 101, 103, 105, 106]
    assert boxes.labels.tolist() == [0, 1, 0, 1, 0]
    assert boxes.boxes_xyxy[0].tolist() == [4, 4, 34, 24]
    assert boxes.areas[0] == 600
    assert boxes.crowd.tolist() == [False, False, False, True, False]


def test_labels_index_the_given_names(tiny_dataset):
    file = CocoFile(tiny_dataset.annotations("train"))
    assert file.boxes(["cow", "cat"]).labels.tolist() == [1, 0, 1, 0, 1]


def test_no_name_no_boxes(tiny_dataset):
    boxes = CocoFile(tiny_dataset.annotations("train")).boxes([])
    assert boxes.boxes_xyxy.shape == (0, 4)
    assert len(boxes) == 0


def test_missing_area_is_the_boxs_and_missing_iscrowd_is_none(tiny_dataset):
    for annotation in tiny_dataset.train["annotations"]:
        del annotation["area"], annotation["iscrowd"]
    boxes = CocoFile(tiny_dataset.save().annotations("train")).boxes(["cat", "dog"])
    assert boxes.areas.tolist() == [600, 720, 1200, 3000, 6]
    assert not boxes.crowd.any()


def test_whole_floats_count_as_whole_numbers(tiny_dataset):
    tiny_dataset.train["images"][0]["width"] = 64.0
    file = CocoFile(tiny_dataset.save().annotations("train"))
    assert file.photos().sizes_wh[0].tolist() == [64, 48]


def test_what_other_categories_annotations_hold_does_not_matter(tiny_dataset):
    path = tiny_dataset.annotations("train")
    before = CocoFile(path).boxes(["cat", "dog"])
    cow = tiny_dataset.CATEGORY_IDS["cow"]
    rubbish = [
        {"category_id": cow},
        {"category_id": cow, "id": 100, "image_id": "?", "bbox": "none"},
        {"category_id": cow, "id": 100, "image_id": 999, "bbox": [1e400, None, -3]},
    ]
    others = [row for row in tiny_dataset.train["annotations"] if row["category_id"] != cow]
    tiny_dataset.train["annotations"] = rubbish + others
    tiny_dataset.save()
    after = CocoFile(path).boxes(["cat", "dog"])
    for name, column in vars(before).items():
        np.testing.assert_array_equal(column, getattr(after, name))


@pytest.mark.parametrize(
    ("table", "row", "change", "message"),
    [
        ("images", 0, {"width": None}, "image 10: width is missing"),
        ("images", 0, {"width": 0}, "image 10: width is 0, not a size"),
        ("images", 0, {"height": 48.5}, "image 10: height is 48.5, not a whole number"),
        ("images", 0, {"id": "ten"}, "image 'ten': id is 'ten', not a whole number"),
        ("images", 0, {"id": True}, "not a whole number"),
        ("images", 0, {"id": 2**70}, "not a whole number"),
        ("images", 0, {"file_name": ""}, "image 10: file_name is '', not a text"),
        (
            "images",
            0,
            {"file_name": "/etc/passwd"},
            "image 10, file name '/etc/passwd': the file name is absolute",
        ),
        ("images", 0, {"file_name": "../b.jpg"}, "leads out of the folder"),
        ("images", 1, {"id": 10}, "image id 10 occurs twice"),
        ("images", 1, {"file_name": "b.jpg"}, "images 10 and 7 both name the file 'b.jpg'"),
        ("categories", 0, {"id": 18}, "category id 18 occurs twice"),
        ("categories", 0, {"name": "dog"}, "two categories are named 'dog'"),
        ("annotations", 0, {"id": 101}, "annotation id 101 occurs twice"),
        ("annotations", 0, {"id": None}, "annotation None: id is missing"),
        ("annotations", 0, {"bbox": [1, 2, 3]}, "annotation 100: bbox is .1, 2, 3., not a list of 4 numbers"),
        ("annotations", 0, {"bbox": [1, 2, "3", 4]}, "annotation 100: bbox holds '3', not a number"),
        ("annotations", 0, {"area": "big"}, "annotation 100: area holds 'big', not a number"),
        ("annotations", 0, {"category_id": 5}, "annotation 100: category_id 5 is none"),
    ],
)
def test_a_faulty_row_is_named(tiny_dataset, table, row, change, message):
    tiny_dataset.train[table][row].update(change)
    path = tiny_dataset.save().annotations("train")
    with pytest.raises(DataError, match=message) as error:
        file = CocoFile(path)
        read_photos(file)
        read_boxes(file, ["cat", "dog"])
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"images": [', "broken JSON at line 1, column 13"),
        ("", "broken JSON at line 1, column 1"),
        ("[1, 2]", "holds a JSON list, not an object"),
        ('"text"', "holds a JSON text, not an object"),
        ("{}", "there is no 'images', expected a list"),
        ('{"images": {}, "categories": []}', "'images' holds a JSON object, expected a list"),
        ('{"images": [3], "categories": []}', "images.0. is a JSON number, expected an object"),
        ('{"images": [], "categories": []}', "lists no image"),
        ('{"images": ' + "[" * 100_000, "cannot be read as JSON"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text, message):
    path = tmp_path / "own.json"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_photos(CocoFile(path))


def test_what_is_no_text_is_refused(tmp_path):
    path = tmp_path / "own.json"
    path.write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(DataError, match="cannot be read as JSON"):
        CocoFile(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"absent\.json does not exist"):
        CocoFile(tmp_path / "absent.json")


def test_a_byte_order_mark_is_no_obstacle(tiny_dataset):
    path = tiny_dataset.annotations("train")
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(tiny_dataset.train).encode())
    assert len(CocoFile(path).photos()) == 5


def test_reading_agrees_with_pycocotools(coco_photos):
    from pycocotools.coco import COCO

    path = coco_photos / "annotations" / "instances_val2017.json"
    reference = COCO(str(path))
    names = [category["name"] for category in reference.dataset["categories"]]
    boxes = CocoFile(path).boxes(names)
    assert boxes.annotation_ids.tolist() == [row["id"] for row in reference.dataset["annotations"]]
    for row, annotation in enumerate(reference.dataset["annotations"]):
        x, y, width, height = annotation["bbox"]
        np.testing.assert_allclose(boxes.boxes_xyxy[row], [x, y, x + width, y + height])
        assert names[boxes.labels[row]] == reference.cats[annotation["category_id"]]["name"]
        assert boxes.areas[row] == annotation["area"]
        assert boxes.crowd[row] == annotation["iscrowd"]


@pytest.mark.parametrize(
    "table, key, value, words",
    [
        ("categories", "name", "\ud800", "not valid Unicode"),
        ("images", "file_name", "\udfff.jpg", "not valid Unicode"),
        ("images", "id", "x" * 1_000_000, "not a whole number"),
        ("annotations", "id", [[[[[[[[]]]]]]]], "not a whole number"),
    ],
)
def test_hostile_values_are_one_short_sentence(tiny_dataset, table, key, value, words):
    tiny_dataset.train[table][0][key] = value
    tiny_dataset.save()
    with pytest.raises(DataError, match=words) as raised:
        file = CocoFile(tiny_dataset.annotations("train"))
        read_photos(file)
        read_boxes(file, [category.name for category in file.categories()])
    assert len(str(raised.value)) < 1000
