"""A folder of photos, one COCO file and two lists of names become a params file and two annotation files."""

import json
from pathlib import Path

import pytest

from ezsd.errors import InputError
from ezsd.pipeline.errors import DataError
from ezsd.pipeline.own_data import choose_own, hold_out, own_params, read_names, write_own
from ezsd.pipeline.params import parse_params, preset_text
from ezsd.stages.commands.init_own import init_own


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    """Ten photos, each with two boxes, of which one is of a novel name."""
    (tmp_path / "photos").mkdir()
    tree = {
        "info": {"year": 2025},
        "images": [
            {"id": number, "file_name": f"{number}.jpg", "width": 9, "height": 9} for number in range(10)
        ],
        "annotations": [
            {"id": number, "image_id": number // 2, "category_id": number % 2, "bbox": [0, 0, 4, 4],
             "segmentation": [[0, 0, 4, 0, 4, 4]]}
            for number in range(20)
        ],
        "categories": [{"id": 0, "name": "mug"}, {"id": 1, "name": "spoon"}, {"id": 2, "name": "cake fork"}],
    }  # fmt: skip
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(tree))
    return path


def ids(tree: dict) -> set[int]:
    return {image["id"] for image in tree["images"]}


def test_each_photo_is_on_one_side_with_all_its_boxes(boxes: Path) -> None:
    parts = hold_out(boxes)
    assert len(ids(parts["val"])) == 2 and len(ids(parts["train"])) == 8
    assert ids(parts["train"]) | ids(parts["val"]) == set(range(10))
    whole = json.loads(boxes.read_text())
    for tree in parts.values():
        assert tree["annotations"] == [row for row in whole["annotations"] if row["image_id"] in ids(tree)]
        assert tree["categories"] == whole["categories"] and tree["info"] == whole["info"]


def test_annotations_do_not_decide_which_photos_are_held_out(boxes: Path) -> None:
    held = ids(hold_out(boxes)["val"])
    tree = json.loads(boxes.read_text())
    boxes.write_text(json.dumps(tree | {"annotations": [], "images": tree["images"][::-1]}))
    assert ids(hold_out(boxes)["val"]) == held


def test_the_params_find_what_was_written_and_the_input_is_untouched(boxes: Path, tmp_path: Path) -> None:
    before = boxes.read_bytes()
    own = choose_own(tmp_path / "photos", boxes, None, ["spoon"])
    assert own.split.base == ("mug", "cake fork")
    write_own(hold_out(boxes), tmp_path / "root")
    params = parse_params(own_params(own, None))
    for which, photos in (("train", 8), ("val", 2)):
        path = tmp_path / "root" / str(getattr(params.data, f"{which}_annotations"))
        assert len(json.loads(path.read_text())["images"]) == photos
    assert params.data.val_photos == (tmp_path / "photos").as_posix()
    assert params.train == parse_params(preset_text("voc")).train
    assert boxes.read_bytes() == before


def test_names_come_from_a_file_or_from_the_command_line(tmp_path: Path) -> None:
    listed = tmp_path / "names.txt"
    listed.write_text("mug\n\n cake fork \n")
    assert read_names(str(listed)) == read_names("mug, cake fork") == ("mug", "cake fork")


@pytest.mark.parametrize(
    ("base", "novel", "error", "words"),
    [
        (["mugs"], ["spoon"], DataError, "did you mean 'mug'"),
        (["mug", "spoon"], ["spoon"], InputError, "both base and novel"),
        (None, [], InputError, "no novel name"),
        ([], ["spoon"], InputError, "no base name"),
    ],
)
def test_wrong_names_are_told(
    boxes: Path, base: list[str] | None, novel: list[str], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        choose_own(boxes.parent / "photos", boxes, base, novel)


def test_what_cannot_be_divided_is_told(boxes: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        choose_own(boxes.parent / "nowhere", boxes, None, ["spoon"])
    tree = json.loads(boxes.read_text())
    boxes.write_text(json.dumps(tree | {"images": tree["images"][:1]}))
    with pytest.raises(DataError, match="lists one photo"):
        hold_out(boxes)
    boxes.write_text(json.dumps({**tree, "annotations": None}))
    with pytest.raises(DataError, match="annotations"):
        hold_out(boxes)


def test_a_file_that_cannot_be_divided_leaves_nothing_behind(boxes: Path, tmp_path: Path) -> None:
    tree = json.loads(boxes.read_text())
    boxes.write_text(json.dumps(tree | {"images": tree["images"][:1]}))
    with pytest.raises(DataError, match="lists one photo"):
        init_own(tmp_path / "photos", boxes, "spoon", params=tmp_path / "root" / "params.yaml")
    assert not (tmp_path / "root").exists()
