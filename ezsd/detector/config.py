"""Settings of the detector: its architecture, and how it selects detections."""

from dataclasses import asdict, field
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from ezsd.config import Count, Fraction, Positive, Whole, config
from ezsd.errors import InputError

Normalization = Literal["none", "group"]
Start = Literal["random", "identity", "closed_form"]

WORLD, WORLD_CARD = "world", "world-backbone.json"
"""The packaged backbone, and the file with its architecture."""


@config
class BackboneConfig:
    """A network of torchvision or timm, and the modules that feed the feature pyramid.

    Attributes:
        name: `world` for the packaged one, a torchvision model such as `resnet50`, or `timm/NAME`.
        options: further keyword arguments of the model's constructor.
        taps: modules whose outputs feed the pyramid, fine to coarse, each twice as coarse as the last.
        frozen_stages: number of taps, from the finest, up to which weights are not trained.
        batch_norm: whether scale and shift of batch norm are `trained`, as in the release, or `frozen`; its
            statistics are always those of the pretraining.
    """

    name: str = "resnet50"
    options: dict[str, Any] = field(default_factory=dict)
    taps: Annotated[tuple[str, ...], Field(min_length=1)] = ("layer1", "layer2", "layer3", "layer4")
    frozen_stages: Whole = 1
    batch_norm: Literal["trained", "frozen"] = "trained"

    def __post_init__(self) -> None:
        if self.frozen_stages > len(self.taps):
            raise ValueError(f"frozen_stages is at most {len(self.taps)}, the number of taps")


@config
class RpnConfig:
    """A class-agnostic region proposal network.

    Attributes:
        anchor_sides: pixels of the scaled photo; side of the square anchor of each pyramid level, fine to
            coarse: one for each of the backbone's taps, and one coarser still.
        anchor_ratios: height / width of the anchors of every level.
        anchors_per_image: anchors in the loss; at most half are positives.
        post_nms_top_n: boxes of a photo that are kept after non-maximum suppression.
        nms_iou: of two boxes that overlap by more, the one with the higher score is kept.
    """

    anchor_sides: Annotated[tuple[Positive, ...], Field(min_length=1)] = (32.0, 64.0, 128.0, 256.0, 512.0)
    anchor_ratios: Annotated[tuple[Positive, ...], Field(min_length=1)] = (0.5, 1.0, 2.0)
    anchors_per_image: Count = 256
    post_nms_top_n: Count = 1000
    nms_iou: Fraction = 0.7


@config
class BoxHeadConfig:
    """The box head (docs/method.md, section 5).

    Attributes:
        channels: of its convolutions.
        width: of its fully connected layers.
        objectness: whether background is `joint` with the names in one softmax (the paper's), or decided in a
            `separate` one (the release's on LVIS).
        regressor: `semantic` adds the name's text embedding to its input (the paper's), with `modulated` the
            text scales and shifts the region's feature, `plain` reads no text.
        roi_side: cells on a side of the grid into which a region is pooled.
        rois_per_image: regions that enter the loss; at most a quarter are positives.
        jittered_copies: of each ground-truth box among the regions to choose from; the paper has none.
    """

    channels: Count = 256
    width: Count = 1024
    objectness: Literal["joint", "separate"] = "joint"
    regressor: Literal["semantic", "modulated", "plain"] = "semantic"
    roi_side: Count = 7
    rois_per_image: Count = 512
    jittered_copies: Whole = 0


@config
class MaskHeadConfig:
    """The class-agnostic mask head (Mask R-CNN).

    Attributes:
        convolutions: number of convolutions before the grid is upsampled.
        channels: of each convolution.
    """

    convolutions: Count = 4
    channels: Count = 256


@config
class Selection:
    """How detections are selected at test; training does not depend on it (docs/method.md, section 5).

    Attributes:
        score_threshold: detections have a higher softmax probability.
        nms_iou: of two detections of one name that overlap by more, the one with the higher score is kept.
        detections_per_image: largest number of detections of a photo; the best are kept.
    """

    score_threshold: Fraction = 0.0
    nms_iou: Fraction = 0.5
    detections_per_image: Count = 300


@config
class DetectorConfig:
    """A detector without its weights and vocabulary; the defaults are the paper's.

    Attributes:
        backbone: the network that looks at the photo.
        pyramid_channels: of every level of the feature pyramid.
        start: whether the convolutions of pyramid and box head begin as `random`, which is the paper's, or as
            the `identity`, which hands on what the pretrained backbone sees; with `closed_form` the head also
            begins with a ridge regression of the cached embeddings.
        normalization: after each convolution of the pyramid and of the heads; `none` is the paper's.
        rpn: the region proposal network.
        box_head: classifies regions and regresses their boxes.
        mask_head: predicts masks; null for boxes only.
        short_side: pixels; a photo is scaled to it at test, or less if its long side would not fit.
        long_side: pixels; at most, in training and at test.
    """

    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    pyramid_channels: Count = 256
    start: Start = "random"
    normalization: Normalization = "none"
    rpn: RpnConfig = field(default_factory=RpnConfig)
    box_head: BoxHeadConfig = field(default_factory=BoxHeadConfig)
    mask_head: MaskHeadConfig | None = None
    short_side: Count = 800
    long_side: Count = 1333

    def __post_init__(self) -> None:
        check_levels(self.backbone, self.rpn, "rpn.anchor_sides")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "DetectorConfig":
        """The inverse of `to_dict`, also after JSON; raises InputError for other keys or values."""
        try:
            return TypeAdapter(cls).validate_python(values)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise InputError(
                f"the detector's config is of another version ({where}: {first['msg']}); train it again"
            ) from error


def check_levels(backbone: BackboneConfig, rpn: RpnConfig, key: str) -> None:
    """Raise ValueError unless there is one anchor side for each level of the backbone's pyramid."""
    levels = len(backbone.taps) + 1
    if len(rpn.anchor_sides) != levels:
        raise ValueError(f"{key} needs {levels} sides: one for each of backbone.taps, and one coarser still")
