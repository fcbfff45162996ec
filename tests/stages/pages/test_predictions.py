"""`predict`: names from a comma list, photos from anywhere, boxes as JSON and drawn."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.training_workplace import SPLIT, Workplace, make_trained_workplace, make_workplace

from ezsd.cache.errors import ArtifactError
from ezsd.detector.config import Selection
from ezsd.errors import InputError
from ezsd.pipeline.models.vocabulary import check_names
from ezsd.stages.pages.predictions import RESULT, Prediction, drawing_names, predict

ANYTHING = Selection(score_threshold=0.0, detections_per_image=5)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """With a detector trained for one epoch."""
    return make_trained_workplace(tmp_path_factory.mktemp("predict"))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 90, 3), dtype=np.uint8)).save(path)
    return path


def run(
    workplace: Workplace, photos: list[Path], out: Path, selection: Selection = ANYTHING
) -> list[Prediction]:
    return predict(photos, None, workplace.params, workplace.root, out, selection)


def test_boxes_are_inside_the_photo_and_best_first(workplace: Workplace, photo: Path, tmp_path: Path) -> None:
    (prediction,) = run(workplace, [photo], tmp_path / "out")
    found = prediction["detections"]
    assert prediction["photo"] == str(photo)
    assert len(found) == 5
    assert [box["score"] for box in found] == sorted((box["score"] for box in found), reverse=True)
    for box in found:
        left, top, right, bottom = box["box_xyxy"]
        assert 0 <= left < right <= 90 and 0 <= top < bottom <= 40
        assert box["trained"] == (box["name"] in SPLIT.base)


def test_the_same_is_on_disk_and_drawn(workplace: Workplace, photo: Path, tmp_path: Path) -> None:
    predictions = run(workplace, [photo], tmp_path / "out")
    assert json.loads((tmp_path / "out" / RESULT).read_text()) == predictions
    with Image.open(tmp_path / "out" / "a photo.png") as drawing:
        assert drawing.size == (180, 80)  # small photos are drawn at twice their size


def test_a_photo_in_which_nothing_is_found_is_drawn_all_the_same(
    workplace: Workplace, photo: Path, tmp_path: Path
) -> None:
    (prediction,) = run(workplace, [photo], tmp_path / "out", Selection(score_threshold=1.0))
    assert prediction["detections"] == []
    assert (tmp_path / "out" / "a photo.png").is_file()


def test_photos_of_one_name_keep_their_own_drawings() -> None:
    photos = [Path("a/x.jpg"), Path("b/x.png"), Path("y.jpg")]
    assert drawing_names(photos) == ["x-1.png", "x-2.png", "y.png"]


def test_a_photo_that_cannot_be_read_is_named(workplace: Workplace, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"photo .*nowhere\.jpg cannot be read"):
        run(workplace, [tmp_path / "nowhere.jpg"], tmp_path)
    (tmp_path / "text.jpg").write_text("no photo")
    with pytest.raises(InputError, match=r"text\.jpg: not a photo"):
        run(workplace, [tmp_path / "text.jpg"], tmp_path)


def test_names_are_cleaned_and_checked() -> None:
    assert check_names([" red fox ", "owl"]) == ("red fox", "owl")
    for bad in ([], [""], ["owl", " "]):
        with pytest.raises(InputError, match="empty"):
            check_names(bad)
    with pytest.raises(InputError, match="'owl' is given twice"):
        check_names(["owl", "fox", "owl "])


def test_without_a_detector_the_command_that_makes_one_is_named(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "fresh").mkdir()
    fresh = make_workplace(tmp_path / "fresh")
    with pytest.raises(ArtifactError, match="ezsd-cli train"):
        run(fresh, [photo], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "photos, names",
    [
        (["a.jpg", "y/a.jpg", "a-1.jpg"], ["a-2.png", "a-3.png", "a-1.png"]),
        (["a-1.jpg", "a.jpg", "y/a.jpg"], ["a-1.png", "a-2.png", "a-3.png"]),
        (["A.jpg", "a.png", "A-1.jpg", "a-1.png"], ["A-1.png", "a-2.png", "A-1-1.png", "a-1-2.png"]),
        (["x" * 240 + ".jpg", "x" * 241 + ".jpg"], ["x" * 100 + "-1.png", "x" * 100 + "-2.png"]),
    ],
)
def test_no_two_photos_share_a_drawing(photos: list[str], names: list[str]) -> None:
    assert drawing_names([Path(photo) for photo in photos]) == names
