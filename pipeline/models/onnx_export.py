"""`export`: the trained detector as an ONNX file that runs without this project. Not a stage."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.onnx.operators import shape_as_tensor
from torchvision.models.detection.image_list import ImageList

from ezsd.cache.atomic import write_bytes_atomic, write_json_atomic
from ezsd.cache.manifest import require_complete
from ezsd.detector.config import DetectorConfig, Selection
from ezsd.detector.detector import ZeroShotDetector
from ezsd.masks import INSIDE
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.models.detector import TrainedDetector, read_detector
from ezsd.pipeline.models.vocabulary import check_names, embed_vocabulary, write_embeddings
from ezsd.pipeline.params import Params
from ezsd.pipeline.runner import artifact_folder

PHOTO, TEXT = "photo", "text_embeddings"
OUTPUTS = {
    "boxes_xyxy": "(found, 4) float32, pixels of the photo, best first",
    "scores": "(found,) float32, 0 to 1",
    "labels": "(found,) int64, index into the rows of text_embeddings",
}
MASKS = {
    "mask_probabilities": f"(found, S, S) float32, a grid over each box; {INSIDE} or more is the object",
}
"""Further outputs of a detector with a mask head."""
OPSET = 18


class ExportableDetector(nn.Module):
    """Does what `detect` does with one photo of any size; the vocabulary is an input."""

    def __init__(self, detector: ZeroShotDetector, selection: Selection) -> None:
        """Wrap a detector on the CPU; puts it into evaluation mode and sets its `selection`."""
        super().__init__()
        self.detector = detector
        self.detector.roi_heads.select(selection)
        self.eval()

    def forward(self, photo: Tensor, text_embeddings: Tensor) -> tuple[Tensor, ...]:
        """Find names in a photo.

        Args:
            photo: uint8 RGB `(H, W, 3)`.
            text_embeddings: float32 `(C, D)`, a row for each name, not zero.

        Returns:
            boxes_xyxy, float32 `(M, 4)` in pixels of `photo`; scores, float32 `(M,)` in [0, 1]; labels, int64
            `(M,)`, index into the rows of `text_embeddings`; highest score first. A mask head adds
            mask_probabilities, float32 `(M, S, S)` in [0, 1], a grid over each box.
        """
        self.detector.set_vocabulary(text_embeddings)
        before_hw = shape_as_tensor(photo)[:2]
        after_hw = self._scaled(before_hw)
        pixels = self.detector.transform.normalize(photo.permute(2, 0, 1).to(torch.float32))[None]
        size: Any = (after_hw[0], after_hw[1])  # numbers that a trace follows
        scaled = F.interpolate(pixels, size=size, mode="bilinear", align_corners=False)
        padded = self._pad(scaled)
        features = self.detector.backbone(padded)
        image_sizes = [(scaled.shape[2], scaled.shape[3])]
        regions, _ = self.detector.rpn(ImageList(padded, image_sizes), features)
        (found,), _ = self.detector.roi_heads(features, regions, image_sizes)
        masks = [found["mask_probabilities"]] if "mask_probabilities" in found else []
        back = (before_hw.to(torch.float32) / after_hw.to(torch.float32)).flip(0).repeat(2)
        return found["boxes"] * back, found["scores"], found["labels"] - 1, *masks

    def _scaled(self, before_hw: Tensor) -> Tensor:
        """The rule of `PhotoTransform.resize` for (2,) int64, as a graph can compute it for any size."""
        config, sides = self.detector.config, before_hw.to(torch.float64)
        # of shape (1,) and no numbers: those the exporter would round to float32, and 64 / 64 to less than 1
        ends = torch.cat([sides.amin(0, keepdim=True), sides.amax(0, keepdim=True)])
        limits = torch.tensor([config.short_side, config.long_side], dtype=torch.float64)
        scale = (limits / ends).amin(0, keepdim=True)
        return (sides * scale).floor().clamp(min=1).to(torch.int64)

    def _pad(self, pixels: Tensor) -> Tensor:
        """Pad to multiples of the coarsest stride, with zeros at the right and bottom."""
        stride = self.detector.backbone.strides[-1]
        return F.pad(pixels, (0, -pixels.shape[3] % stride, 0, -pixels.shape[2] % stride))


def export(out: Path, names: Sequence[str] | None, params: Params, root: Path, selection: Selection) -> Path:
    """Write the detector as an ONNX file; beside it the names' embeddings, and a JSON file on their use.

    The graph takes a photo and text embeddings. A mask head adds an output.

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
        trained.detector.set_vocabulary(embed_vocabulary(vocabulary, trained, params, root))
    text = trained.detector.roi_heads.classifier.text_embeddings
    write_bytes_atomic(out, onnx_bytes(ExportableDetector(trained.detector, selection), text))
    write_embeddings(out.with_suffix(".npz"), vocabulary, text)
    card = out.with_suffix(".json")
    write_json_atomic(card, _describe(out.name, vocabulary, trained, selection))
    return card


def onnx_bytes(detector: ExportableDetector, text_embeddings: Tensor) -> bytes:
    """Return the ONNX file, the same bytes for the same detector. Photo and vocabulary may have any size.

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
    photo = torch.zeros(config.short_side + 1, config.long_side + 1, 3, dtype=torch.uint8)
    # torchvision's detectors support tracing; torch.export fails in their NMS, which asks how many boxes
    # there are (boxes.py, batched_nms: "Could not guard on data-dependent expression 4*u1 > 4000")
    with TemporaryDirectory() as folder, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        path = Path(folder) / "traced.onnx"
        torch.onnx.export(
            detector,
            (photo, text_embeddings),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=[PHOTO, TEXT],
            output_names=list(_outputs(config)),
            dynamic_axes={PHOTO: {0: "height", 1: "width"}, TEXT: {0: "names"}}
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
            PHOTO: {
                "shape": ["height", "width", 3],
                "dtype": "uint8",
                "colours": "RGB",
                "batch": "one photo",
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
