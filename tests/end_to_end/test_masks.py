"""A detector with a mask head through the stages: trained, used and exported."""

import csv
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from pycocotools.coco import COCO
from support.training_workplace import PHOTOS, SIDE, SPLIT, Workplace, make_workplace

from ezsd.cache.errors import ArtifactError
from ezsd.cache.masks import MaskTable
from ezsd.cache.writing import begin, publish
from ezsd.detector.config import Selection
from ezsd.detector.detector import detect
from ezsd.masks import decode_masks, run_lengths
from ezsd.photo_files import PhotoFile
from ezsd.pipeline.data.prepared import Prepared, write_train_masks
from ezsd.pipeline.errors import ParamsError
from ezsd.pipeline.models.detector import read_detector
from ezsd.pipeline.models.onnx_export import export
from ezsd.pipeline.params import parse_params, preset_text
from ezsd.stages.pages.prediction_files import coco_file, drawings, json_file
from ezsd.stages.pages.predictions import Wanted, open_detector, predict

HEAD = {"mask_head": {"convolutions": 1, "channels": 4}}
ANYTHING = Selection(detections_per_image=3)
LIKELY = Selection(score_threshold=0.001, detections_per_image=30)  # photos have different numbers of these


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """With masks in the form of their boxes, and a detector trained on them for one epoch."""
    place = make_workplace(tmp_path_factory.mktemp("masks"))
    prepared = Prepared(place.root / "artifacts/prepare")
    begin(prepared.folder, "prepare", {})
    boxes = prepared.train.boxes.boxes_xyxy.tolist()
    masks = [run_lengths([[x0, y0, x1, y0, x1, y1, x0, y1]], (SIDE, SIDE)) for x0, y0, x1, y1 in boxes]
    write_train_masks(prepared.folder, MaskTable.join(masks))
    publish(prepared.folder, {}, {})
    begin(place.root / "artifacts/train", "train", {})
    place.run(schedule={"epochs": 1}, detector=HEAD)
    publish(place.root / "artifacts/train", {}, {})
    return place


@pytest.fixture(scope="module")
def exported(workplace: Workplace) -> onnxruntime.InferenceSession:
    out = workplace.root / "found.onnx"
    card = export(out, None, workplace.params, workplace.root, LIKELY)
    assert "mask_probabilities" in json.loads(card.read_text())["outputs"]
    return onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])


def test_the_history_has_the_mask_loss(workplace: Workplace) -> None:
    text = (workplace.root / "artifacts/train/history.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert float(rows[-1]["mask"]) > 0


def test_an_interrupted_run_goes_on_to_the_same_weights(workplace: Workplace) -> None:
    # the checkpoint holds one loss more
    again = workplace.run("again", schedule={"epochs": 1}, detector=HEAD, checkpoint_seconds=1e-9)
    first = (workplace.root / "artifacts/train/detector.safetensors").read_bytes()
    assert again["detector.safetensors"] == first


def test_predict_writes_and_draws_masks(workplace: Workplace, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 90, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    out, file = tmp_path / "out", PhotoFile(tmp_path / "a.png", "a.png")
    wanted = Wanted(SPLIT.names, 0.0, {}, ANYTHING.detections_per_image)
    found = predict(open_detector(workplace.params, workplace.root), [file], wanted, 1, 1, lambda error: None)
    with (
        json_file(out, SPLIT.names) as write,
        coco_file(out, SPLIT.names) as export,
        drawings(out, ()) as draw,
    ):
        for prediction in found:
            for take in (write, export, draw):
                take(prediction)
    counts = [one["segmentation"]["counts"].encode() for one in prediction.detections]
    assert decode_masks(counts, (40, 90)).shape == (3, 40, 90)
    assert json.loads((out / "predictions.json").read_text()) == [prediction.record()]
    data = COCO(str(out / "coco.json"))
    masks = [data.annToMask(one) for one in data.loadAnns([1, 2, 3])]
    assert np.array_equal(masks, decode_masks(counts, (40, 90)))
    assert (out / "drawings/a.png.png").is_file()


@pytest.mark.parametrize("size_hw", [(64, 64), (40, 90), (120, 50)])
def test_the_exported_masks_are_those_of_the_detector(
    exported: onnxruntime.InferenceSession, workplace: Workplace, size_hw: tuple[int, int]
) -> None:
    detector = read_detector(workplace.root / "artifacts/train").detector
    generator = torch.Generator().manual_seed(1)
    photo = torch.randint(0, 256, (3, *size_hw), generator=generator, dtype=torch.uint8)
    (here,) = detect(detector, [photo], LIKELY)
    text = detector.roi_heads.classifier.text_embeddings.numpy()
    given = {"photos": photo.permute(1, 2, 0)[None].numpy(), "text_embeddings": text}
    _, _, labels, _, grids = exported.run(None, given)
    assert labels.tolist() == here.labels.tolist()
    assert here.mask_probabilities is not None
    assert grids.shape == here.mask_probabilities.shape
    assert np.allclose(grids, here.mask_probabilities, atol=1e-4)


def test_masks_that_were_not_prepared_are_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"train_masks\.h5 is missing"):
        make_workplace(tmp_path).run(detector=HEAD)


def test_masks_of_other_boxes_are_refused(tmp_path: Path) -> None:
    place = make_workplace(tmp_path)
    prepared = place.root / "artifacts/prepare"
    begin(prepared, "prepare", {})
    write_train_masks(prepared, MaskTable.join([b""] * (PHOTOS - 1)))
    publish(prepared, {}, {})
    with pytest.raises(ArtifactError, match="5 masks for 8 boxes"):
        place.run(detector=HEAD)


def test_a_mask_head_needs_masks() -> None:
    with pytest.raises(ParamsError, match=r"train\.detector\.mask_head needs masks: set prepare"):
        parse_params(preset_text("demo"), ["train.detector.mask_head={convolutions: 4, channels: 256}"])
