"""YOLO folders are read into the same tables."""

from pathlib import Path

import pytest
from PIL import Image

from ezsd.pipeline.data.yolo import YoloFolder
from ezsd.pipeline.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photos of 200 x 100: two for training, of which one shows nothing, and one for validation."""
    for name in ("train/a.jpg", "train/sub/b.png", "val/c.jpg"):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (200, 100)).save(path)
    (tmp_path / "labels/train").mkdir(parents=True)
    (tmp_path / "labels/train/a.txt").write_text("1 0.5 0.5 0.25 0.5\r\n\r\n0 0.1 0.2 0.1 0.2 0.87\r\n")
    (tmp_path / "labels/val").mkdir()
    (tmp_path / "labels/val/c.txt").write_text("0 0.1 0.2 0.3 0.1 0.2 0.6\n")  # a triangle
    write(tmp_path, "train: images/train\nval: images/val\nnames: {0: mug, 1: cake fork}\n")
    return tmp_path


def write(folder: Path, text: str) -> None:
    (folder / "data.yaml").write_text(text)


def test_fractions_become_pixels(folder: Path) -> None:
    boxes = YoloFolder(folder / "data.yaml").boxes(["mug", "cake fork"])
    assert boxes.boxes_xyxy.round(6).tolist() == [[75, 25, 125, 75], [10, 10, 30, 30], [20, 10, 60, 60]]
    assert boxes.labels.tolist() == [1, 0, 0]
    assert (boxes.image_ids.tolist(), boxes.annotation_ids.tolist()) == ([1, 1, 3], [1, 2, 3])


def test_only_the_boxes_of_the_names_are_given_and_their_ids_stay(folder: Path) -> None:
    boxes = YoloFolder(folder / "data.yaml").boxes(["mug"])
    assert (boxes.labels.tolist(), boxes.annotation_ids.tolist()) == ([0, 0], [2, 3])


def test_photos_names_and_validation_photos(folder: Path) -> None:
    file = YoloFolder(folder / "data.yaml")
    photos = file.photos()
    assert photos.file_names == ("images/train/a.jpg", "images/train/sub/b.png", "images/val/c.jpg")
    assert photos.sizes_wh.tolist() == [[200, 100]] * 3 and file.validation_ids() == {3}
    assert [(one.id, one.name) for one in file.categories()] == [(0, "mug"), (1, "cake fork")]


@pytest.mark.parametrize(
    "text",
    [
        "path: .\ntrain: images/train\nval: images/val\nnames: [mug, cake fork]\nnc: 2\n",
        "train: ../images/train\nval: ../images/val\nnames: [mug, cake fork]\n",  # as some tools export it
        "train: [images/train]\nval: val.txt\nnames: [mug, cake fork]\n",
    ],
)
def test_the_forms_of_a_data_yaml(folder: Path, text: str) -> None:
    expected = YoloFolder(folder / "data.yaml").photos().file_names
    (folder / "val.txt").write_text("./images/val/c.jpg\n")
    write(folder, text)
    assert YoloFolder(folder / "data.yaml").photos().file_names == expected


def test_a_photo_on_its_side_has_the_size_that_it_is_shown_with(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (200, 100)).save(folder / "images/val/c.jpg", exif=exif)
    assert YoloFolder(folder / "data.yaml").photos().sizes_wh.tolist()[-1] == [100, 200]


def test_nothing_outside_the_folder_is_read(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    Image.new("RGB", (8, 8)).save(outside / "a.jpg")
    for text in (f"train: {outside}\n", f"path: {outside}\ntrain: .\n", "train: ../../..\n"):
        write(folder, f"{text}names: [mug]\n")
        with pytest.raises(DataError, match=r"data\.yaml names .*, which is not in .*--photos"):
            YoloFolder(folder / "data.yaml")
    (folder / "list.txt").write_text(f"{outside}/a.jpg\n")
    write(folder, "train: list.txt\nnames: [mug]\n")
    with pytest.raises(DataError, match=r"list\.txt names .*, which is not in"):
        YoloFolder(folder / "data.yaml")


def test_the_folder_of_the_data_may_be_given(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    described = tmp_path_factory.mktemp("elsewhere") / "data.yaml"
    described.write_text("path: /somewhere\ntrain: images/train\nval: images/val\nnames: [mug, cake fork]\n")
    assert len(YoloFolder(described, folder).photos()) == 3


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0.5 0.5 0.1", "label 1: '0 0.5 0.5 0.1' is neither"),
        ("mug 0.5 0.5 0.1 0.1", "is neither"),
        ("7 0.5 0.5 0.1 0.1", r"class 7 is none of the 2 names of .*data\.yaml"),
        ("0.5 0.5 0.5 0.1 0.1", "class 0.5 is none"),
    ],
)
def test_a_wrong_label_is_refused_with_its_place(folder: Path, line: str, words: str) -> None:
    (folder / "labels/train/a.txt").write_text(f"{line}\n")
    with pytest.raises(DataError, match=rf"a\.txt, .*{words}"):
        YoloFolder(folder / "data.yaml").photos()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("names: [mug]\n", "no `train`"),
        ("train: images\n", "no `names`"),
        ("train: images\nnames: mug\n", "not a list of names"),
        ("train: images\nnames: [mug, mug]\n", "two categories are named 'mug'"),
        ("train: [\n", "cannot be read as YAML"),
        ("train: labels/train/a.png\nnames: [mug]\n", "which is not in"),
    ],
)
def test_a_wrong_data_yaml_is_refused(folder: Path, text: str, words: str) -> None:
    write(folder, text)
    with pytest.raises(DataError, match=words):
        YoloFolder(folder / "data.yaml")
    (folder / "data.yaml").unlink()
    with pytest.raises(DataError, match="does not exist"):
        YoloFolder(folder / "data.yaml")
