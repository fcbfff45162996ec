"""The whole detector: backbone and pyramid, region proposals, heads; its training, detection and storage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.models.detection.transform import resize_boxes

from ezsd.detector.backbone import PyramidBackbone
from ezsd.detector.config import DetectorConfig, Selection
from ezsd.detector.roi_heads import ZeroShotRoIHeads
from ezsd.detector.rpn import build_proposal_network
from ezsd.detector.sampling import IGNORED
from ezsd.detector.start import STARTS
from ezsd.detector.transform import PhotoTransform
from ezsd.errors import InputError
from ezsd.training.losses.classification import SoftmaxLoss

LOSSES = ("objectness", "proposal_box", "classification", "box", "distillation")
MASK_LOSS = "mask"
TEXT = "text_embeddings"
_TRAINING_ONLY = "roi_heads.classification_loss."
_PROPOSAL_LOSSES = {"loss_objectness": "objectness", "loss_rpn_box_reg": "proposal_box"}


@dataclass(frozen=True)
class Detections:
    """Detections of one photo, highest score first.

    Attributes:
        boxes_xyxy: float32 `(M, 4)`, pixels of the original photo.
        scores: float32 `(M,)` in [0, 1].
        labels: int64 `(M,)`, index into the vocabulary.
        mask_probabilities: float32 `(M, S, S)` in [0, 1], a grid over each box; None without a mask head.
    """

    boxes_xyxy: Tensor
    scores: Tensor
    labels: Tensor
    mask_probabilities: Tensor | None = None


class ZeroShotDetector(GeneralizedRCNN):
    """torchvision's two-stage detector with its names as an argument (docs/method.md, section 5)."""

    def __init__(self, config: DetectorConfig, embedding_dim: int, classification_loss: nn.Module) -> None:
        """Random weights and no vocabulary yet; `embedding_dim` is D, the teacher's."""
        backbone = PyramidBackbone(config.backbone, config.pyramid_channels, config.normalization)
        super().__init__(
            backbone,
            build_proposal_network(config.rpn, config.pyramid_channels),
            ZeroShotRoIHeads(config, embedding_dim, backbone.strides, classification_loss),
            PhotoTransform(backbone, config.short_side, config.long_side),
        )
        STARTS[config.start](self.backbone.fpn, self.roi_heads.box_head)
        self.config, self.embedding_dim = config, embedding_dim

    @property
    def losses(self) -> tuple[str, ...]:
        """Names of the losses that `forward` returns in training."""
        return LOSSES if self.config.mask_head is None else (*LOSSES, MASK_LOSS)

    def set_vocabulary(self, text_embeddings: Tensor) -> None:
        """Replace the names by text embeddings `(C, D)`; raises InputError for another shape."""
        self.roi_heads.classifier.set_vocabulary(text_embeddings)

    def set_temperature(self, temperature: float) -> None:
        """Start the learned factor on cosines here, where the teacher's own training ended."""
        self.roi_heads.classifier.set_temperature(temperature)

    @torch.inference_mode()
    def name(self, photo: Tensor, boxes_xyxy: Tensor) -> Tensor:
        """Name given boxes, as at test but for background; leaves the detector in evaluation mode.

        Args:
            photo: uint8 `(3, H, W)` RGB, on the detector's device.
            boxes_xyxy: `(N, 4)` pixels of the photo; N may be 0.

        Returns:
            int64 `(N,)`, index into the vocabulary.
        """
        self.eval()
        images, _ = self.transform([photo])
        scaled = resize_boxes(boxes_xyxy.to(photo.device), list(photo.shape[1:]), list(images.image_sizes[0]))
        return self.roi_heads.name(self.backbone(images.tensors), [scaled])

    def forward(
        self, images: Sequence[Tensor], targets: Sequence[Mapping[str, Tensor]] | None = None
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """The `losses` by name in training, otherwise `boxes`, `scores` and `labels` of each image.

        Boxes are absolute xyxy in pixels of the image as given; labels are indices into the vocabulary. A
        mask head adds `mask_probabilities` (M, S, S), a grid over each box.

        Args:
            images: uint8 RGB (3, H, W) each.
            targets: in training, of each image: `boxes` (G, 4) float32, `labels` (G,) int64 or `IGNORED`,
                `distill_boxes` (P, 4), `distill_embeddings` (P, D) and `distill_weights` (P,) float32,
                `short_side` () int64 in pixels, `seed` () int64 of what is drawn at random. G and P may be 0.
                For a mask head also `masks` (G, H, W) uint8.
        """
        if not self.training:
            found = super().forward(list(images))
            return [{**detections, "labels": detections["labels"] - 1} for detections in found]
        shifted = [{**target, "labels": _after_background(target["labels"])} for target in targets or []]
        seeds = [int(target["seed"]) for target in shifted]
        self.rpn.fg_bg_sampler.seeds = seeds
        self.roi_heads.fg_bg_sampler.seeds = seeds
        losses = super().forward(list(images), shifted)
        return {_PROPOSAL_LOSSES.get(name, name): loss for name, loss in losses.items()}


def _after_background(labels: Tensor) -> Tensor:
    """Labels counted from 1, with 0 for background; `IGNORED` stays."""
    return torch.where(labels == IGNORED, labels, labels + 1)


def build_detector(
    config: DetectorConfig, embedding_dim: int, classification_loss: nn.Module | None = None
) -> ZeroShotDetector:
    """A detector with random weights; `classification_loss` is softmax cross-entropy by default."""
    return ZeroShotDetector(config, embedding_dim, classification_loss or SoftmaxLoss())


def detect(
    detector: ZeroShotDetector, images: Sequence[Tensor], selection: Selection | None = None
) -> list[Detections]:
    """Find the names of the vocabulary in photos; leaves the detector in evaluation mode.

    Args:
        detector: with a vocabulary.
        images: uint8 RGB `(3, H, W)` each.
        selection: how detections are selected; the paper's when None.
    """
    detector.eval()
    detector.roi_heads.select(selection or Selection())
    with torch.inference_mode():
        found = detector(images)
    return [
        Detections(each["boxes"], each["scores"], each["labels"], each.get("mask_probabilities"))
        for each in found
    ]


def detector_tensors(detector: ZeroShotDetector) -> dict[str, Tensor]:
    """All weights, and the vocabulary as `text_embeddings` `(C, D)`: contiguous, on the CPU."""
    state = {
        name: tensor for name, tensor in detector.state_dict().items() if not name.startswith(_TRAINING_ONLY)
    }
    state[TEXT] = detector.roi_heads.classifier.text_embeddings
    return {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}


def restore_detector(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> ZeroShotDetector:
    """Rebuild a detector, in evaluation mode, without running any stored code.

    Args:
        config: from `DetectorConfig.to_dict`.
        tensors: from `detector_tensors`.

    Raises:
        InputError: the tensors do not fit the config.
    """
    weights = dict(tensors)
    text = weights.pop(TEXT, None)
    if text is None or text.ndim != 2:
        raise InputError(f"the detector's weights lack {TEXT!r}: the file is of something else or cut short")
    checked = DetectorConfig.from_dict(dict(config))
    try:
        with torch.device("meta"):  # uses no memory: a config may state any size
            build_detector(checked, text.shape[1]).load_state_dict(weights, assign=True)
        detector = build_detector(checked, text.shape[1])
        detector.load_state_dict(weights)
    except RuntimeError as error:
        lines = str(error).splitlines()
        raise InputError(
            f"the weights do not fit the detector's config ({lines[min(1, len(lines) - 1)].strip()})"
        ) from error
    detector.set_vocabulary(text)
    return detector.eval()
