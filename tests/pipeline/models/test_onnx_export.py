"""`export`: an ONNX file that finds in onnxruntime what the detector finds here."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from support.training_workplace import DIM, SPLIT, Workplace, make_trained_workplace
from torchvision.ops import box_iou

from ezsd.detector.config import Selection
from ezsd.detector.detector import Detections, ZeroShotDetector, detect
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.models.detector import read_detector
from ezsd.pipeline.models.onnx_export import export, onnx_bytes
from ezsd.pipeline.models.onnx_graph import ExportableDetector
from ezsd.pipeline.models.vocabulary import read_embeddings

SELECTION = Selection(score_threshold=0, detections_per_image=30)
SIZES_HW = [(64, 64), (40, 90), (120, 50), (201, 200), (33, 77), (1, 64)]
"""Some are scaled to a side that rounding puts just below or above a whole number."""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """With a detector trained for one epoch, and exported."""
    place = make_trained_workplace(tmp_path_factory.mktemp("export"))
    export(place.root / "found.onnx", None, place.params, place.root, SELECTION)
    return place


@pytest.fixture(scope="module")
def session(workplace: Workplace) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(workplace.root / "found.onnx", providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def detector(workplace: Workplace) -> ZeroShotDetector:
    return read_detector(workplace.root / "artifacts/train").detector


def photo_of(size_hw: tuple[int, int]) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(size_hw))
    return torch.randint(0, 256, (3, *size_hw), generator=generator, dtype=torch.uint8)


def inputs(text: torch.Tensor, *photos: torch.Tensor) -> dict[str, np.ndarray]:
    return {"photos": torch.stack(photos).permute(0, 2, 3, 1).numpy(), "text_embeddings": text.numpy()}


def assert_same(
    here: Detections, boxes_xyxy: np.ndarray, scores: np.ndarray, labels: np.ndarray, photo: np.ndarray
) -> None:
    assert not photo.any()
    assert labels.tolist() == here.labels.tolist()
    assert np.allclose(scores, here.scores, atol=1e-4)
    assert box_iou(here.boxes_xyxy, torch.from_numpy(boxes_xyxy)).diagonal().min() > 0.99


@pytest.mark.parametrize("size_hw", SIZES_HW)
def test_detections_are_those_of_the_detector(
    session: onnxruntime.InferenceSession, detector: ZeroShotDetector, size_hw: tuple[int, int]
) -> None:
    photo = photo_of(size_hw)
    here = detect(detector, [photo], SELECTION)[0]
    found = session.run(None, inputs(detector.roi_heads.classifier.text_embeddings, photo))
    assert len(here.labels) > 0
    assert_same(here, *found)
    assert (
        np.abs(found[0] - here.boxes_xyxy.numpy()).max() < 1e-3
    )  # pixels of the photo, scaled there and back


@pytest.mark.parametrize("size_hw", [(64, 64), (40, 90)])
def test_a_batch_finds_in_each_photo_what_is_found_in_it_alone(
    session: onnxruntime.InferenceSession, detector: ZeroShotDetector, size_hw: tuple[int, int]
) -> None:
    text, first = detector.roi_heads.classifier.text_embeddings, photo_of(size_hw)
    black = torch.zeros_like(first)
    batch = (first, black, first.flip(1), 255 - first)
    *found, photos = session.run(None, inputs(text, *batch))
    assert photos.tolist() == sorted(photos)
    for number, photo in enumerate(batch):
        *alone, _ = session.run(None, inputs(text, photo))
        assert len(alone[2]) > 0
        for together, expected in zip(found, alone, strict=True):
            np.testing.assert_allclose(together[photos == number], expected, rtol=1e-5, atol=1e-5)


def test_another_vocabulary_is_an_input(session: onnxruntime.InferenceSession, workplace: Workplace) -> None:
    text = torch.randn(7, DIM, generator=torch.Generator().manual_seed(1))
    photo = photo_of((64, 64))
    other = read_detector(workplace.root / "artifacts/train").detector
    other.set_vocabulary(text)
    found = session.run(None, inputs(text, photo))
    assert found[2].max() >= len(SPLIT.names)
    assert_same(detect(other, [photo], SELECTION)[0], *found)


def test_the_file_beside_it_says_how_to_use_it(workplace: Workplace) -> None:
    card = json.loads((workplace.root / "found.json").read_text())
    assert [one["name"] for one in card["names"]] == list(SPLIT.names)
    assert [one["trained"] for one in card["names"]] == [True, True, False]
    assert card["protocol"] == "names known"
    assert card["score_threshold"] == SELECTION.score_threshold
    names, text = read_embeddings(workplace.root / card["inputs"]["text_embeddings"]["file"])
    assert names == SPLIT.names and text.shape == (3, DIM)
    assert (card["scaling"]["short_side"], card["scaling"]["long_side"]) == (64, 64)


def test_the_same_detector_gives_the_same_bytes_without_paths(
    workplace: Workplace, detector: ZeroShotDetector
) -> None:
    text = detector.roi_heads.classifier.text_embeddings
    written = (workplace.root / "found.onnx").read_bytes()
    assert onnx_bytes(ExportableDetector(detector, SELECTION), text) == written
    assert b"site-packages" not in written


def test_loading_warns_of_nothing(workplace: Workplace) -> None:
    script = f"import onnxruntime; onnxruntime.InferenceSession({str(workplace.root / 'found.onnx')!r})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not done.stderr and not done.stdout


def test_only_onnx_files_are_written(workplace: Workplace, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"does not end in \.onnx"):
        export(tmp_path / "found.pt", None, workplace.params, workplace.root, SELECTION)


def test_without_the_package_the_command_that_installs_it_is_named(
    workplace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(PipelineError, match=r"pip install 'ezsd\[export\]'"):
        export(tmp_path / "found.onnx", None, workplace.params, workplace.root, SELECTION)
    assert not list(tmp_path.iterdir())
