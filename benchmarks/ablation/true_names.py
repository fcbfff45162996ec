"""The stage `evaluate` of an oracle: the regressor reads the true name of each region on an object."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.models.detection.transform import resize_boxes

from ezsd.boxes import iou_xyxy
from ezsd.detector.detector import Detections, ZeroShotDetector
from ezsd.detector.roi_heads import OBJECT_IOU, ZeroShotRoIHeads
from ezsd.pipeline.jobs.evaluate import Models, ValidationPass
from ezsd.pipeline.stage import StageContext, StageResult
from ezsd.stages.evaluate import evaluate_with
from ezsd.training.losses.classification import SoftmaxLoss


@dataclass(frozen=True)
class Truth:
    """The objects of a photo: boxes (N, 4) xyxy in its pixels, labels (N,) from 0, and its size."""

    boxes_xyxy: Tensor
    labels: Tensor
    size_hw: tuple[int, int]


class TrueNameHeads(ZeroShotRoIHeads):
    """RoI heads that know the objects of the one photo they look at."""

    truth: Truth

    @classmethod
    def of(cls, detector: ZeroShotDetector) -> "TrueNameHeads":
        """Return the detector's heads, replaced by such ones on the first call."""
        own = detector.roi_heads
        if not isinstance(own, cls):
            strides = detector.backbone.strides
            heads = cls(detector.config, detector.embedding_dim, strides, SoftmaxLoss())
            heads.load_state_dict(own.state_dict())
            heads.classifier.set_vocabulary(own.classifier.text_embeddings)
            detector.roi_heads = own = heads.eval()
        return own

    def names_to_read(
        self, logits: Tensor, proposals: list[Tensor], image_shapes: list[tuple[int, int]]
    ) -> Tensor:
        """Return the label of the object that a region overlaps most; else the most likely one."""
        likely = super().names_to_read(logits, proposals, image_shapes)
        if not len(self.truth.labels):
            return likely
        (boxes,), (shape,) = proposals, image_shapes
        objects = resize_boxes(self.truth.boxes_xyxy, list(self.truth.size_hw), list(shape))
        overlap, of = iou_xyxy(boxes, objects).max(dim=1)
        return torch.where(overlap >= OBJECT_IOU, 1 + self.truth.labels[of], likely)


class TrueNamePass(ValidationPass):
    """Detects with the objects of each photo at hand."""

    def detections_of(self, models: Models, row: int, pixels: Tensor) -> Detections:
        """Return the detections with boxes that true names helped to regress."""
        boxes_xyxy, labels = (torch.from_numpy(part) for part in self.photos.objects[row])
        TrueNameHeads.of(models.detector).truth = Truth(boxes_xyxy, labels, self.photos.size_hw(row))
        return super().detections_of(models, row, pixels)


def run(context: StageContext) -> StageResult:
    """Write the artifact of `evaluate`."""
    return evaluate_with(TrueNamePass, context)
