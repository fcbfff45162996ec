"""`ezsd-cli predict`: folders and bad files, formats, thresholds, and a detector without its run."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.training_workplace import make_trained_workplace
from typer.testing import CliRunner

from ezsd.errors import InputError
from ezsd.stages.commands.main import app
from ezsd.stages.commands.predict import read_thresholds


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights and card of a detector, and nothing else of its run."""
    place = make_trained_workplace(tmp_path_factory.mktemp("trained"))
    folder = tmp_path_factory.mktemp("copied")
    for name in ("detector.safetensors", "detector.json"):
        shutil.copy(place.root / "artifacts/train" / name, folder)
    return folder / "detector.safetensors"


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 90, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def predict(weights: Path, *arguments: str | Path) -> tuple[int, str, str]:
    words = ["predict", "--detector", str(weights), "--threshold", "0", *map(str, arguments)]
    done = CliRunner().invoke(app, words)
    assert done.exception is None or isinstance(done.exception, InputError | SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr + str(done.exception or "")


def test_a_folder_with_a_bad_file_in_it(weights: Path, photos: Path, tmp_path: Path) -> None:
    (photos / "1b.jpg").write_text("no photo")
    code, out, err = predict(weights, photos, tmp_path / "gone.jpg", "--best", "2", "--crops")
    assert code == 0
    assert [line.split(":")[0] for line in out.splitlines()] == [f"photos/{row}.png" for row in range(3)]
    assert "6 found in 3 photos" in err and "2 files could not be read" in err
    assert "1b.jpg: not a photo" in err and "gone.jpg cannot be read" in err
    read = json.loads((tmp_path / "predictions/predictions.json").read_text())
    assert [Path(one["photo"]).name for one in read] == ["0.png", "1.png", "2.png"]
    assert len(list((tmp_path / "predictions/drawings/photos").iterdir())) == 3
    assert len(list((tmp_path / "predictions/crops").rglob("*.png"))) == 6


def test_only_bad_files_are_an_error(weights: Path, tmp_path: Path) -> None:
    code, _, err = predict(weights, tmp_path / "gone.jpg", "--out", tmp_path / "out")
    assert code == 1 and "gone.jpg cannot be read" in err and "no photo could be read" in err


def test_a_mistake_is_found_before_the_work(weights: Path, photos: Path, tmp_path: Path) -> None:
    Image.new("RGB", (9, 9)).save(photos / "0.jpg")
    for mistake, message in (
        (("--format", "yolo"), "share the label file labels/0.txt"),
        (("--threshold", "owl=0.5"), "threshold for 'owl'"),
        (("--names", "cat, cat"), "'cat' is given twice"),
        (("--names", "cat, owl"), "'owl' has no embedding in the detector"),
        (("--set", "run.device=cpu"), "--set changes params"),
    ):
        code, _, err = predict(weights, photos, *mistake)
        assert code == 1 and message in err
    assert not (tmp_path / "predictions").exists()


def test_every_format_holds_the_same_boxes(weights: Path, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("fox\ncat\n")
    counts = {}
    for form in ("json", "coco", "yolo", "csv"):
        arguments = ("--names", "names.txt", "--format", form, "--out", form, "--no-draw", "--batch", "2")
        assert predict(weights, photos, *arguments)[0] == 0
    read = json.loads((tmp_path / "json/predictions.json").read_text())
    counts["json"] = sum(len(one["detections"]) for one in read)
    counts["coco"] = len(json.loads((tmp_path / "coco/coco.json").read_text())["annotations"])
    counts["yolo"] = sum(len(path.read_text().splitlines()) for path in (tmp_path / "yolo/labels").iterdir())
    counts["csv"] = len((tmp_path / "csv/predictions.csv").read_text().splitlines()) - 1
    assert len(set(counts.values())) == 1 and counts["csv"] > 20
    assert not list(tmp_path.glob("*/drawings"))
    assert (tmp_path / "yolo/classes.txt").read_text() == "fox\ncat\n"


def test_json_on_the_screen_is_that_of_the_file(weights: Path, photos: Path, tmp_path: Path) -> None:
    _, out, _ = predict(weights, photos, "--json")
    assert json.loads(out) == json.loads((tmp_path / "predictions/predictions.json").read_text())


def test_nothing_found_says_how_near_the_best_was(weights: Path, photos: Path) -> None:
    _, out, _ = predict(weights, photos / "0.png", "--threshold", "0.99")
    assert out.startswith("0.png: 0 found")
    best = json.loads(predict(weights, photos / "0.png", "--json")[1])[0]["detections"][0]
    _, out, _ = predict(weights, photos / "0.png", "--threshold", str(best["score"] + 0.001))
    assert out == f"0.png: 0 found, best below the threshold: {best['name']} {best['score']:.3g}\n"


def test_thresholds_are_scores_of_all_or_of_one_name() -> None:
    assert read_thresholds([]) == (0.3, {})
    assert read_thresholds(["0.5", "red cup = 0.7", "a=b=1"]) == (0.5, {"red cup": 0.7, "a=b": 1.0})
    for bad in ("high", "1.5", "cup=", "nan"):
        with pytest.raises(InputError, match=f"--threshold '{bad}'"):
            read_thresholds([bad])
