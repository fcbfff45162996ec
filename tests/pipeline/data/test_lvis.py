"""LVIS v1: file names from URLs, and what photos were searched for."""

import json
from pathlib import Path
from typing import Any

import pytest

from ezsd.pipeline.data.checks import read_photos
from ezsd.pipeline.data.lvis import LvisFile
from ezsd.pipeline.data.tables import Searched
from ezsd.pipeline.errors import DataError


def lvis(**image: Any) -> dict[str, Any]:
    return {
        "images": [
            {
                "id": 391895,
                "coco_url": "http://images.cocodataset.org/train2017/000000391895.jpg",
                "width": 640,
                "height": 360,
                "neg_category_ids": [2],
                "not_exhaustive_category_ids": [],
                **image,
            }
        ],
        "categories": [
            {"id": 3, "name": "zebra", "frequency": "c"},
            {"id": 1, "name": "aerosol_can", "frequency": "f"},
            {"id": 2, "name": "hornet", "frequency": "r"},
        ],
        "annotations": [
            {
                "id": 1,
                "image_id": 391895,
                "category_id": 3,
                "bbox": [1.5, 2, 10, 20],
                "area": 150.5,
                "segmentation": [],
            },
        ],
    }


def opened(folder: Path, tree: dict[str, Any]) -> LvisFile:
    path = folder / "lvis.json"
    path.write_text(json.dumps(tree))
    return LvisFile(path)


def test_photos_are_in_cocos_folders(tmp_path):
    photos = opened(tmp_path, lvis()).photos()
    assert photos.file_names == ("train2017/000000391895.jpg",)
    assert photos.ids.tolist() == [391895]


def test_boxes_are_read_as_cocos(tmp_path):
    boxes = opened(tmp_path, lvis()).boxes(["zebra"])
    assert boxes.boxes_xyxy.tolist() == [[1.5, 2, 11.5, 22]]
    assert boxes.areas.tolist() == [150.5]


def test_what_photos_were_searched_for(tmp_path):
    assert opened(tmp_path, lvis(not_exhaustive_category_ids=[3])).searched() == {
        391895: Searched(absent=(2,), not_exhaustive=(3,))
    }


@pytest.mark.parametrize(
    ("value", "message"), [(None, "is missing"), (["a"], r"is \['a'\], not a list of whole")]
)
def test_a_photo_without_searched_categories_is_refused(tmp_path, value, message):
    with pytest.raises(DataError, match=f"image 391895: neg_category_ids {message}"):
        opened(tmp_path, lvis(neg_category_ids=value)).searched()


def test_a_url_without_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"image 391895: coco_url 'x\.jpg'"):
        opened(tmp_path, lvis(coco_url="x.jpg")).photos()


def test_a_url_that_climbs_is_refused(tmp_path):
    with pytest.raises(DataError, match="leads out of the folder"):
        read_photos(opened(tmp_path, lvis(coco_url="http://x/../passwd")))


def test_another_frequency_is_refused(tmp_path):
    tree = lvis()
    tree["categories"][0]["frequency"] = "often"
    with pytest.raises(DataError, match="category 3: frequency is 'often'"):
        opened(tmp_path, tree).categories()
