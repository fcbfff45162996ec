"""The detector put together: backbone and pyramid, proposals, heads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN

from ezsd.detector.backbone import PyramidBackbone
from ezsd.detector.config import DetectorConfig, Selection
from ezsd.detector.roi_heads import ZeroShotRoIHeads
from ezsd.detector.rpn import build_proposal_network
from ezsd.detector.start import STARTS
from ezsd.detector.transform import PhotoTransform
from ezsd.training.losses.classification import SoftmaxLoss

LOSSES = ("objectness", "proposal_box", "classification", "box", "distillation")
MASK_LOSS = "mask"
_PROPOSAL_LOSSES = {"loss_objectness": "objectness", "loss_rpn_box_reg": "proposal_box"}


@dataclass(frozen=True)
class Detections:
    """What was found in one photo, best first.

    Attributes:
        boxes_xyxy: (M, 4) float32, pixels of the original photo.
        scores: (M,) float32 in 0..1.
        labels: (M,) int64, index into the vocabulary.
        mask_probabilities: (M, S, S) float32 in 0..1, a grid over each box; None without a mask head.
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
        """Names of what `forward` gives in training."""
        return LOSSES if self.config.mask_head is None else (*LOSSES, MASK_LOSS)

    def set_vocabulary(self, text_embeddings: Tensor) -> None:
        """Name things by these (C, D) from now on, and change nothing else; InputError for another shape."""
        self.roi_heads.classifier.set_vocabulary(text_embeddings)

    def set_temperature(self, temperature: float) -> None:
        """Start the learned factor on cosines here, where the teacher's own training ended."""
        self.roi_heads.classifier.set_temperature(temperature)

    def forward(
        self, images: Sequence[Tensor], targets: Sequence[Mapping[str, Tensor]] | None = None
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """The `losses` by name in training, otherwise `boxes`, `scores` and `labels` of each image.

        Boxes are absolute xyxy in pixels of the image as given; labels are indices into the vocabulary. A
        mask head adds `mask_probabilities` (M, S, S), a grid over each box.

        Args:
            images: uint8 RGB (3, H, W) each.
            targets: in training, of each image: `boxes` (G, 4) float32, `labels` (G,) int64,
                `distill_boxes` (P, 4), `distill_embeddings` (P, D) and `distill_weights` (P,) float32,
                `short_side` () int64 in pixels, `seed` () int64 of what is drawn at random. G and P may be 0.
                For a mask head also `masks` (G, H, W) uint8.
        """
        if not self.training:
            found = super().forward(list(images))
            return [{**detections, "labels": detections["labels"] - 1} for detections in found]
        shifted = [{**target, "labels": target["labels"] + 1} for target in targets or []]
        seeds = [int(target["seed"]) for target in shifted]
        self.rpn.fg_bg_sampler.seeds = seeds
        self.roi_heads.fg_bg_sampler.seeds = seeds
        losses = super().forward(list(images), shifted)
        return {_PROPOSAL_LOSSES.get(name, name): loss for name, loss in losses.items()}


def build_detector(
    config: DetectorConfig, embedding_dim: int, classification_loss: nn.Module | None = None
) -> ZeroShotDetector:
    """A detector with random weights; another loss than softmax cross-entropy matters in training alone."""
    return ZeroShotDetector(config, embedding_dim, classification_loss or SoftmaxLoss())


def detect(
    detector: ZeroShotDetector, images: Sequence[Tensor], selection: Selection | None = None
) -> list[Detections]:
    """Find the vocabulary's names in uint8 RGB photos (3, H, W); leaves the detector in evaluation mode.

    `selection`: the method's own when there is none.
    """
    detector.eval()
    detector.roi_heads.select(selection or Selection())
    with torch.inference_mode():
        found = detector(images)
    return [
        Detections(each["boxes"], each["scores"], each["labels"], each.get("mask_probabilities"))
        for each in found
    ]
