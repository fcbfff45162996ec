"""Class-agnostic masks of regions (not the paper's: Mask R-CNN, arXiv 1703.06870)."""

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
    """From regions to grids of mask logits.

    Masks are class-agnostic: names without masks in training get them at test.
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
        return self.of_pooled(self.pool(features, boxes))

    def of_pooled(self, pooled: Tensor) -> Tensor:
        """Pooled features (R, C, 14, 14) of regions -> logits (R, S, S)."""
        logits: Tensor = self.predictor(self.convolutions(pooled))
        return logits[:, 0].float()


def regions_with_masks(
    regions: list[Tensor], rows: list[Tensor], labels: list[Tensor], masks: list[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Positive regions whose object has a known mask, and these objects.

    Args:
        regions: `(R, 4)` of each image.
        rows: int64 `(R,)`, the object that each region was matched with.
        labels: int64 `(R,)`, 0 for background.
        masks: `(G, H, W)` of each image's objects; an empty one is unknown.
    """
    boxes, objects = [], []
    for of_image, row, label, mask in zip(regions, rows, labels, masks, strict=True):
        matched = row[label > 0]
        known = (mask > 0).flatten(start_dim=1).any(dim=1)[matched]
        boxes.append(of_image[label > 0][known])
        objects.append(matched[known])
    return boxes, objects


def mask_targets(masks: list[Tensor], boxes: list[Tensor], rows: list[Tensor], side: int) -> Tensor:
    """The fraction of each cell of a region's grid that its object covers.

    Args:
        masks: `(G, H, W)` of each image's objects, 0 or 1, in the scaled frame.
        boxes: `(R, 4)` regions of each image.
        rows: int64 `(R,)`, the object in each region.
        side: S, cells on a side of the grid.

    Returns:
        float32 `(all R, S, S)` in [0, 1].
    """
    parts = [project_masks_on_boxes(*image, side) for image in zip(masks, boxes, rows, strict=True)]
    return torch.cat(parts)
