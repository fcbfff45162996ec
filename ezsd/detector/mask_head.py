"""Class-agnostic masks of regions (Mask R-CNN, arXiv 1703.06870), of torchvision's own parts."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import project_masks_on_boxes

from ezsd.detector.config import MaskHeadConfig, Normalization
from ezsd.detector.normalization import NORMALIZATIONS
from ezsd.detector.roi_pool import RegionPool

ROI_SIDE = 14


class MaskHead(nn.Module):
    """From regions to the logits of a grid that says which cells belong to the object.

    One mask for all names: a name without a mask in training gets one at test.
    """

    def __init__(
        self,
        config: MaskHeadConfig,
        in_channels: int,
        strides: Sequence[int],
        short_side: int,
        normalization: Normalization,
    ) -> None:
        super().__init__()
        self.pool = RegionPool(strides, ROI_SIDE, short_side)
        layers, norm = [config.channels] * config.convolutions, NORMALIZATIONS[normalization]
        self.convolutions = MaskRCNNHeads(in_channels, layers, dilation=1, norm_layer=norm)
        self.predictor = MaskRCNNPredictor(config.channels, config.channels, num_classes=1)

    def forward(self, features: dict[str, Tensor], boxes: list[Tensor]) -> Tensor:
        """Boxes (R, 4) of each image, in the scaled frame -> logits (all R, S, S) with S = 28."""
        pooled = self.pool(features, boxes)
        logits: Tensor = self.predictor(self.convolutions(pooled))
        return logits[:, 0].float()


def regions_with_masks(
    regions: list[Tensor], rows: list[Tensor], labels: list[Tensor], masks: list[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Those regions that hold an object whose mask is known, and their objects.

    Args:
        regions: (R, 4) of each image.
        rows: (R,) int64, the object that each region was matched with.
        labels: (R,) int64, 0 for background.
        masks: (G, H, W) of each image's objects; an empty one is not known.
    """
    boxes, objects = [], []
    for of_image, row, label, mask in zip(regions, rows, labels, masks, strict=True):
        matched = row[label > 0]
        known = (mask > 0).flatten(start_dim=1).any(dim=1)[matched]
        boxes.append(of_image[label > 0][known])
        objects.append(matched[known])
    return boxes, objects


def mask_targets(masks: list[Tensor], boxes: list[Tensor], rows: list[Tensor], side: int) -> Tensor:
    """What of each region its object covers.

    Args:
        masks: (G, H, W) of each image's objects, 0 or 1, in the scaled frame.
        boxes: (R, 4) regions of each image.
        rows: (R,) int64, the object in each region.
        side: S, cells of a region's grid on a side.

    Returns:
        (all R, S, S) float32 in 0..1.
    """
    parts = [project_masks_on_boxes(*image, side) for image in zip(masks, boxes, rows, strict=True)]
    return torch.cat(parts)
