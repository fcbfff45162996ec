"""What a detector is made of: everything that decides its shape and its way of testing, and no weights."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from ezsd.errors import InputError

RESNET_TAPS = ("layer1", "layer2", "layer3", "layer4")
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class BackboneConfig:
    """A network of torchvision or timm and where it is tapped.

    Attributes:
        library: whose model it is.
        name: the model's name there.
        options: further keyword arguments of its constructor.
        taps: modules whose outputs feed the pyramid, fine to coarse, each twice as coarse as the last.
        frozen_stages: what leads to so many taps, counted from the finest, never changes (0: all changes).
        mean, std: of the RGB input in range 0..1, per channel.
    """

    library: Literal["torchvision", "timm"]
    name: str
    options: dict[str, Any]
    taps: tuple[str, ...] = RESNET_TAPS
    frozen_stages: int = 1
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def __post_init__(self) -> None:
        if not self.taps:
            raise InputError(f"backbone {self.name!r} is tapped nowhere; name at least one module in `taps`")
        if not 0 <= self.frozen_stages <= len(self.taps):
            raise InputError(
                f"backbone {self.name!r} has {len(self.taps)} stages: {self.frozen_stages} cannot be frozen"
            )


@dataclass(frozen=True)
class ProposalConfig:
    """The class-agnostic region proposal network.

    Attributes:
        anchor_sides: side in pixels of the square anchor, one a pyramid level, fine to coarse.
        anchor_ratios: height / width of the anchors of every level.
        anchors_sampled: anchors of an image that enter the loss; at most half are objects.
        best_train, best_test: boxes of an image kept after non-maximum suppression.
        nms_iou: above it, the lower scored of two boxes is dropped.
    """

    anchor_sides: tuple[float, ...]
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    anchors_sampled: int = 256
    best_train: int = 1000
    best_test: int = 1000
    nms_iou: float = 0.7


@dataclass(frozen=True)
class HeadConfig:
    """The box head (docs/method.md, section 5).

    Attributes:
        channels: of its convolutions.
        width: of its fully connected layers.
        regressor: whether the box regressor reads the name's text embedding.
        roi_side: side of the grid into which a region is pooled.
        roi_samples: each cell of the grid is the mean of roi_samples x roi_samples points.
        rois_sampled: regions of an image that enter the loss; at most a quarter are objects.
        log_temperature: start of the learned factor exp(.) on cosines.
    """

    channels: int
    width: int
    regressor: Literal["semantic", "plain"] = "semantic"
    roi_side: int = 7
    roi_samples: int = 2
    rois_sampled: int = 512
    log_temperature: float = 4.6052


@dataclass(frozen=True)
class MaskHeadConfig:
    """The class-agnostic mask head (Mask R-CNN).

    Attributes:
        convolutions: before the grid is made twice as fine.
        channels: of all its convolutions.
    """

    convolutions: int
    channels: int


@dataclass(frozen=True)
class Selection:
    """How detections are chosen at test; nothing that was trained depends on it (docs/method.md, section 5).

    Attributes:
        score_threshold: a detection's softmax probability is above it.
        nms_iou: per name; above it, the lower scored of two boxes is dropped.
        best: detections of an image.
    """

    score_threshold: float = 0.0
    nms_iou: float = 0.5
    best: int = 300


@dataclass(frozen=True)
class DetectorConfig:
    """All of a detector but its weights and its vocabulary.

    Attributes:
        pyramid_channels: of every level of the feature pyramid.
        embedding_dim: D, the teacher's.
        short_side, long_side: pixels; a photo is scaled to the first, or less lest it pass the second.
        masks: the mask head; without one the detector finds boxes alone.
    """

    backbone: BackboneConfig
    pyramid_channels: int
    proposals: ProposalConfig
    head: HeadConfig
    embedding_dim: int
    short_side: int
    long_side: int
    masks: MaskHeadConfig | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "DetectorConfig":
        """The inverse of :meth:`to_dict`, also by way of JSON; InputError on unknown or missing keys."""
        parts = {"backbone": BackboneConfig, "proposals": ProposalConfig, "head": HeadConfig}
        try:
            built = {key: part(**_tuples(values[key])) for key, part in parts.items()}
            masks = values.get("masks")
            return cls(**{**values, **built, "masks": MaskHeadConfig(**masks) if masks else None})
        except (TypeError, KeyError) as error:
            raise InputError(
                f"the detector's config is of another version ({error}); train it again"
            ) from error


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
