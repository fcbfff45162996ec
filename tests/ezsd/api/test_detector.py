"""A trained detector from its folder: any photo, any names, and the teacher only when it is needed."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.training_workplace import DIM, SPLIT, make_trained_workplace

import ezsd
from ezsd.cache.errors import ArtifactError

ANYTHING = ezsd.Selection(detections_per_image=5)
PIXELS = np.random.default_rng(0).integers(0, 256, (40, 90, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`artifacts/train` of a run, whose teacher cannot be loaded."""
    return make_trained_workplace(tmp_path_factory.mktemp("api")).root / "artifacts/train"


@pytest.fixture
def detector(folder: Path) -> ezsd.Detector:
    return ezsd.load_detector(folder, device="cpu")


def same(one: ezsd.Detections, other: ezsd.Detections) -> bool:
    return torch.equal(one.boxes_xyxy, other.boxes_xyxy) and torch.equal(one.scores, other.scores)


def test_detections_are_sorted_named_and_in_the_photo(detector: ezsd.Detector) -> None:
    found = detector.predict(PIXELS, selection=ANYTHING)
    assert len(found) == 5 and found.names == SPLIT.names and found.original_size == (40, 90)
    assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)
    assert found.boxes_xyxy.dtype == torch.float32 and found.labels.dtype == torch.int64
    assert (found.boxes_xyxy >= 0).all() and (found.boxes_xyxy <= torch.tensor([90, 40, 90, 40])).all()


def test_every_form_of_a_photo_gives_the_same(detector: ezsd.Detector, tmp_path: Path) -> None:
    image = Image.fromarray(PIXELS)
    image.save(tmp_path / "b.png")
    image.save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("no photo")
    expected = detector.predict(PIXELS)
    tensor = torch.from_numpy(PIXELS).permute(2, 0, 1)
    for photo in (tmp_path / "a.png", str(tmp_path / "a.png"), image, tensor):
        assert same(detector.predict(photo), expected)
    several = detector.predict([image, tensor])
    assert len(several) == 2 and all(same(one, expected) for one in several)
    assert len(detector.predict(tmp_path)) == len(detector.predict(f"{tmp_path}/*.png")) == 2
    assert detector.predict([]) == []


def test_a_stream_takes_photos_as_it_needs_them(detector: ezsd.Detector) -> None:
    taken = 0

    def photos() -> Iterator[np.ndarray]:
        nonlocal taken
        for shade in range(10):
            taken += 1
            yield np.full((40, 90, 3), 20 * shade, np.uint8)

    found = detector.stream(photos(), selection=ANYTHING, batch=3)
    first = next(found)
    assert taken == 3
    detector.predict(PIXELS, ["fox"])  # another vocabulary in between
    rest = list(found)
    assert len(rest) == 9 and rest[-1].names == SPLIT.names
    for one, shade in ((first, 0), (rest[-1], 180)):
        alone = detector.predict(np.full((40, 90, 3), shade, np.uint8), selection=ANYTHING)
        assert torch.allclose(one.boxes_xyxy, alone.boxes_xyxy, atol=1e-3)  # batches sum in another order


def test_a_detector_is_loaded_from_a_run_a_folder_or_a_file(folder: Path, tmp_path: Path) -> None:
    expected = ezsd.load_detector(folder, device="cpu").predict(PIXELS)
    for name in ("detector.safetensors", "detector.json"):
        shutil.copy(folder / name, tmp_path)
    for path in (folder.parent.parent, tmp_path, tmp_path / "detector.safetensors"):
        assert same(ezsd.load_detector(path, device="cpu").predict(PIXELS), expected)


def test_an_unfinished_detector_is_refused(folder: Path, tmp_path: Path) -> None:
    unfinished = shutil.copytree(folder, tmp_path / "train")
    (unfinished / "manifest.json").rename(unfinished / "incomplete.json")
    with pytest.raises(ArtifactError, match="ezsd-cli train"):
        ezsd.load_detector(unfinished)


def test_an_empty_folder_is_refused(detector: ezsd.Detector, tmp_path: Path) -> None:
    with pytest.raises(ezsd.InputError, match="holds no photo"):
        detector.predict(tmp_path)


def test_known_names_are_taken_from_the_detector(detector: ezsd.Detector) -> None:
    found = detector.predict(PIXELS, names=["fox", " cat "], selection=ANYTHING)
    assert found.names == ("fox", "cat") and set(found.labels.tolist()) <= {0, 1}
    assert detector.predict(PIXELS).names == SPLIT.names
    assert detector.names == SPLIT.names and detector.trained_names == SPLIT.base


def test_embeddings_of_ones_own_are_used(detector: ezsd.Detector) -> None:
    stored = torch.eye(3, DIM)  # those of the run's names
    found = detector.predict(PIXELS, ["a", "b", "c"], text_embeddings=stored)
    assert same(found, detector.predict(PIXELS)) and found.names == ("a", "b", "c")
    with pytest.raises(ezsd.InputError, match=r"\(2, 8\), a row a name, got \(3, 8\)"):
        detector.predict(PIXELS, ["a", "b"], text_embeddings=stored)


def test_names_are_a_list_of_different_texts(detector: ezsd.Detector) -> None:
    with pytest.raises(ezsd.InputError, match="put it into a list"):
        detector.predict(PIXELS, names="cat")
    with pytest.raises(ezsd.InputError, match="'cat' is given twice"):
        detector.predict(PIXELS, names=["cat", "cat"])


def test_new_names_without_a_teacher_say_what_is_missing(folder: Path, tmp_path: Path) -> None:
    alone = shutil.copytree(folder, tmp_path / "detector")
    with pytest.raises(ezsd.InputError, match=r"'owl' has no embedding .*load_detector"):
        ezsd.load_detector(alone).predict(PIXELS, names=["cat", "owl"])


class RecordingTeacher:
    """Embeds the run's names as the run did, other texts as the next axis, and keeps what it was asked."""

    image_size, dim, logit_scale, logit_bias = 16, DIM, 1.0, 0.0

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode_texts(self, texts: Sequence[str]) -> torch.Tensor:
        self.texts += texts
        known = [f"a photo of a {name}" for name in SPLIT.names]
        rows = [known.index(text) if text in known else len(known) for text in texts]
        return torch.eye(DIM)[rows]


def test_a_teacher_embeds_each_new_name_once(folder: Path) -> None:
    teacher = RecordingTeacher()
    detector = ezsd.load_detector(folder, teacher=teacher, device="cpu")  # type: ignore[arg-type]
    teacher.texts.clear()
    first = detector.predict(PIXELS, names=["cat", "owl"])
    assert same(detector.predict(PIXELS, names=["cat", "owl"]), first)
    assert teacher.texts == ["a photo of a owl"]
    by_hand = detector.predict(PIXELS, ["cat", "owl"], text_embeddings=torch.eye(DIM)[[0, 3]])
    assert same(by_hand, first)


def test_a_teacher_of_another_kind_is_refused(folder: Path, tiny_teacher: ezsd.Teacher) -> None:
    with pytest.raises(ezsd.InputError, match="the teacher embeds 'cat' differently"):
        ezsd.load_detector(folder, teacher=tiny_teacher)


def test_without_a_detector_the_command_that_makes_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="ezsd-cli train"):
        ezsd.load_detector(tmp_path / "artifacts/train")
