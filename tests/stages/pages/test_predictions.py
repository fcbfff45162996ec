"""`predict`: any photos, any thresholds; what is found, and what was nearly found."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.training_workplace import SPLIT, Workplace, make_trained_workplace, make_workplace

import ezsd
from ezsd.cache.errors import ArtifactError
from ezsd.errors import InputError
from ezsd.photo_files import PhotoFile
from ezsd.pipeline.models.vocabulary import check_names
from ezsd.stages.pages.predictions import Prediction, Wanted, open_detector, predict

WIDTH, HEIGHT = 90, 40


def wanted(threshold: float = 0.0, best: int = 5, **of_names: float) -> Wanted:
    return Wanted(SPLIT.names, threshold, of_names, best)


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> ezsd.Detector:
    """Trained for one epoch."""
    place = make_trained_workplace(tmp_path_factory.mktemp("predict"))
    return open_detector(place.params, place.root)


@pytest.fixture
def photo(tmp_path: Path) -> PhotoFile:
    return save(tmp_path / "a photo.png", 0)


def save(path: Path, seed: int, size_hw: tuple[int, int] = (HEIGHT, WIDTH)) -> PhotoFile:
    pixels = np.random.default_rng(seed).integers(0, 256, (*size_hw, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return PhotoFile(path, path.name)


def run(detector: ezsd.Detector, files: list[PhotoFile], what: Wanted, batch: int = 1) -> list[Prediction]:
    def skip(error: InputError) -> None:
        raise error

    return list(predict(detector, files, what, 1, batch, skip))


def test_boxes_are_inside_the_photo_and_best_first(detector: ezsd.Detector, photo: PhotoFile) -> None:
    (prediction,) = run(detector, [photo], wanted())
    found = prediction.detections
    assert prediction.record() == {"photo": str(photo.path), "detections": found}
    assert len(found) == 5
    assert [box["score"] for box in found] == sorted((box["score"] for box in found), reverse=True)
    for box in found:
        left, top, right, bottom = box["box_xyxy"]
        assert 0 <= left < right <= WIDTH and 0 <= top < bottom <= HEIGHT
        assert box["trained"] == (box["name"] in SPLIT.base)
    json.dumps(prediction.record())


def test_names_have_thresholds_of_their_own(detector: ezsd.Detector, photo: PhotoFile) -> None:
    (everything,) = run(detector, [photo], wanted(best=1000))
    best = {
        name: [box["score"] for box in everything.detections if box["name"] == name] for name in SPLIT.names
    }
    assert all(len(scores) > 3 for scores in best.values())
    limit = best["fox"][2]  # two foxes are above it
    (prediction,) = run(detector, [photo], wanted(1.0, best=100, fox=limit))
    assert [box["name"] for box in prediction.detections] == ["fox", "fox"]
    with pytest.raises(InputError, match="threshold for 'owl', which is not among the names"):
        wanted(owl=0.5)


def test_where_nothing_is_found_the_best_below_the_threshold_is_known(
    detector: ezsd.Detector, photo: PhotoFile
) -> None:
    (everything,) = run(detector, [photo], wanted())
    best = everything.detections[0]
    assert everything.nearly is None
    (nothing,) = run(detector, [photo], wanted(best["score"] + 1e-4))
    assert nothing.detections == [] and nothing.nearly is not None
    assert nothing.nearly[0] == best["name"] and nothing.nearly[1] == pytest.approx(best["score"], abs=1e-6)
    (far,) = run(detector, [photo], wanted(1.0))
    assert far.nearly == (nothing.nearly if best["score"] > 0.1 else None)


def test_a_batch_finds_what_single_photos_give(detector: ezsd.Detector, tmp_path: Path) -> None:
    sizes = [(40, 90), (90, 40), (40, 90), (64, 64), (40, 90)]
    files = [save(tmp_path / f"{row}.png", row, size) for row, size in enumerate(sizes)]
    alone = run(detector, files, wanted())
    together = run(detector, files, wanted(), batch=4)
    assert [one.photo.name for one in together] == [f"{row}.png" for row in range(5)]
    for one, other in zip(alone, together, strict=True):
        assert one.found.labels.tolist() == other.found.labels.tolist()
        assert np.allclose(one.found.boxes_xyxy, other.found.boxes_xyxy, atol=1e-2)


def test_photos_are_read_as_they_are_needed(detector: ezsd.Detector, tmp_path: Path) -> None:
    files = [save(tmp_path / f"{row}.png", row) for row in range(8)]
    taken = 0

    def given() -> Iterator[PhotoFile]:
        nonlocal taken
        for taken, file in enumerate(files, start=1):  # noqa: B007
            yield file

    predictions = predict(detector, given(), wanted(), 1, 1, lambda error: None)  # type: ignore[arg-type]
    next(predictions)
    assert taken <= 3


def test_names_are_cleaned_and_checked() -> None:
    assert check_names([" red fox ", "owl"]) == ("red fox", "owl")
    for bad in ([], [""], ["owl", " "]):
        with pytest.raises(InputError, match="empty"):
            check_names(bad)
    with pytest.raises(InputError, match="'owl' is given twice"):
        check_names(["owl", "fox", "owl "])


def test_without_a_detector_the_command_that_makes_one_is_named(tmp_path: Path) -> None:
    place: Workplace = make_workplace(tmp_path)
    with pytest.raises(ArtifactError, match="ezsd-cli train"):
        open_detector(place.params, place.root)
