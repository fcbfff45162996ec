"""Settings of the miners."""

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field

from ezsd.config import Count, Factor, Fraction, Positive, config
from ezsd.detector.config import BackboneConfig, RpnConfig, check_levels

Take = Literal["best", "random"]


@config
class MineConfig:
    """CLIP proposals (docs/method.md, section 3); the defaults are the paper's.

    Attributes:
        long_side: pixels; the grid of anchors covers the photo resized to fit this and `short_side`.
        short_side: pixels.
        stride: pixels of the resized photo between the centres of the grid's cells.
        scales: side of an anchor / stride.
        ratios: height / width of an anchor.
        nms_iou: of two boxes that overlap by more, the one with the higher score is kept.
        post_nms_top_n: boxes of a photo that are kept after non-maximum suppression.
        base_iou: boxes that overlap a base box by this IoU or more are dropped.
        filters: `base` (the paper's on COCO) drops what overlaps base boxes or gets base names; `none` (the
            release's on LVIS) drops nothing.
        take: whether the `best` of what is left are stored, or as many at `random` (the release's on LVIS).
        keep: largest number of proposals of a photo that are stored.
        context_factor: sides of the crop that is named and embedded / sides of the box.
    """

    long_side: Count = 1333
    short_side: Count = 800
    stride: Count = 32
    scales: Annotated[tuple[Positive, ...], Field(min_length=1)] = (1.0, 2.0, 4.0, 8.0, 16.0)
    ratios: Annotated[tuple[Positive, ...], Field(min_length=1)] = (0.5, 1.0, 2.0)
    nms_iou: Fraction = 0.7
    post_nms_top_n: Count = 1000
    base_iou: Fraction = 0.3
    filters: Literal["base", "none"] = "base"
    take: Take = "best"
    keep: Count = 300
    context_factor: Factor = 1.2


@config
class CascadeConfig:
    """The coarse-to-fine miner.

    Attributes:
        fraction: forwards of a photo, tiles and crops together / its anchors; above 0 and at most 1.
    """

    fraction: Annotated[float, Field(gt=0, le=1)] = 0.1


@config
class RegionProposerConfig(RpnConfig):
    """The network of the miner `rpn`: a backbone with a pyramid, and a region proposal network on it.

    Attributes:
        backbone: the network that looks at the photo.
        pyramid_channels: channels of each level of the feature pyramid.
        short_side: pixels; a photo is scaled to it, or less if its long side would not fit.
        long_side: pixels, at most.
    """

    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    pyramid_channels: Count = 256
    short_side: Count = 800
    long_side: Count = 1333

    def __post_init__(self) -> None:
        check_levels(self.backbone, self, "anchor_sides")
