"""`export`: the trained detector as an ONNX file that runs without this project. Not a stage."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from ezsd.cache.atomic import write_bytes_atomic, write_json_atomic
from ezsd.cache.manifest import require_complete
from ezsd.detector.config import DetectorConfig, Selection
from ezsd.masks import INSIDE
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.models.detector import TrainedDetector, read_detector
from ezsd.pipeline.models.onnx_graph import ExportableDetector
from ezsd.pipeline.models.vocabulary import check_names, embed_with, teacher_of_run, write_embeddings
from ezsd.pipeline.params import Params
from ezsd.pipeline.runner import artifact_folder

PHOTOS, TEXT = "photos", "text_embeddings"
OUTPUTS = {
    "boxes_xyxy": "(found, 4) float32, pixels of the photo; photo after photo, best first",
    "scores": "(found,) float32, 0 to 1",
    "labels": "(found,) int64, index into the rows of text_embeddings",
    "photo": "(found,) int64, number of the photo in the batch",
}
MASKS = {
    "mask_probabilities": f"(found, S, S) float32, a grid over each box; {INSIDE} or more is the object",
}
"""Further outputs of a detector with a mask head."""
OPSET = 18


def export(out: Path, names: Sequence[str] | None, params: Params, root: Path, selection: Selection) -> Path:
    """Write the detector as an ONNX file; beside it the names' embeddings, and a JSON file on their use.

    The graph takes photos of one size and text embeddings. A mask head adds an output.

    Args:
        out: the ONNX file.
        names: whose embeddings are written; the split's names when None.
        params: all params; for new names the teacher's text tower is loaded.
        root: folder of `params.yaml`.
        selection: which detections it returns; part of the graph.

    Returns:
        The JSON file.

    Raises:
        ArtifactError: the detector, or for new names the re-normalization, is missing, damaged or another.
        InputError: a name is empty or repeated.
        PipelineError: `out` does not end in .onnx, or the package onnx is missing.
    """
    if out.suffix != ".onnx":
        raise PipelineError(f"--out {out} does not end in .onnx: name the file NAME.onnx")
    folder = artifact_folder(root, "train")
    require_complete(folder, "run `ezsd-cli train`")
    trained = read_detector(folder)
    vocabulary = trained.split.names if names is None else check_names(names)
    if names is not None:
        trained.detector.set_vocabulary(
            embed_with(vocabulary, teacher_of_run(trained, params, root).teacher, trained)
        )
    text = trained.detector.roi_heads.classifier.text_embeddings
    write_bytes_atomic(out, onnx_bytes(ExportableDetector(trained.detector, selection), text))
    write_embeddings(out.with_suffix(".npz"), vocabulary, text)
    card = out.with_suffix(".json")
    write_json_atomic(card, _describe(out.name, vocabulary, trained, selection))
    return card


def onnx_bytes(detector: ExportableDetector, text_embeddings: Tensor) -> bytes:
    """Return the ONNX file, the same bytes for the same detector; batch, photos and vocabulary have any size.

    Args:
        text_embeddings: (C, D), any vocabulary.

    Raises:
        PipelineError: the package onnx is missing.
    """
    try:
        import onnx
    except ModuleNotFoundError:
        raise PipelineError(
            "export needs the package onnx: install it with `pip install 'ezsd[export]'`"
        ) from None
    model = onnx.load_from_string(_trace(detector, text_embeddings))
    return bytes(model.SerializeToString(deterministic=True))


def _trace(detector: ExportableDetector, text_embeddings: Tensor) -> bytes:
    config = detector.detector.config
    photos = torch.zeros(2, config.short_side + 1, config.long_side + 1, 3, dtype=torch.uint8)
    with TemporaryDirectory() as folder, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        path = Path(folder) / "traced.onnx"
        torch.onnx.export(
            detector,
            (photos, text_embeddings),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=[PHOTOS, TEXT],
            output_names=list(_outputs(config)),
            dynamic_axes={PHOTOS: {0: "batch", 1: "height", 2: "width"}, TEXT: {0: "names"}}
            | {output: {0: "found"} for output in _outputs(config)},
        )
        return path.read_bytes()


def _describe(
    file: str, names: Sequence[str], trained: TrainedDetector, selection: Selection
) -> dict[str, Any]:
    config, backbone = trained.detector.config, trained.detector.backbone
    dim = trained.detector.embedding_dim
    return {
        "file": file,
        "inputs": {
            PHOTOS: {
                "shape": ["batch", "height", "width", 3],
                "dtype": "uint8",
                "colours": "RGB",
                "batch": "any number of photos of one size",
            },
            TEXT: {"shape": ["names", dim], "dtype": "float32", "file": Path(file).with_suffix(".npz").name},
        },
        "scaling": _describe_scaling(config),
        "normalization": {"mean": backbone.mean, "std": backbone.std, "where": "in the graph"},
        "outputs": _outputs(config),
        "names": [{"name": name, "trained": name in trained.split.labelled} for name in names],
        "protocol": trained.protocol,
        "score_threshold": selection.score_threshold,
        "nms_iou": selection.nms_iou,
        "detections_per_image": selection.detections_per_image,
        "teacher": dict(trained.teacher),
        "parents": dict(trained.parents),
    }


def _outputs(config: DetectorConfig) -> dict[str, str]:
    """Name and meaning of the graph's outputs, in order."""
    return OUTPUTS | (MASKS if config.mask_head else {})


def _describe_scaling(config: DetectorConfig) -> dict[str, Any]:
    return {
        "short_side": config.short_side,
        "long_side": config.long_side,
        "rule": "scale = min(short_side / shorter, long_side / longer); sides = floor(side * scale)",
        "interpolation": "bilinear, no antialiasing, pixel centres at halves; as float32",
        "where": "in the graph, and boxes are scaled back",
    }
