"""Settings of re-normalization."""

from typing import Annotated, Literal

from pydantic import Field

from ezsd.config import Count, Factor, Fraction, NonNegative, Positive, Seed, config

Towers = Literal["image", "text", "both"]
Part = Annotated[float, Field(gt=0, lt=1)]
Way = Annotated[float, Field(gt=0, le=1)]


@config
class CheckConfig:
    """A probe of re-normalization on base names and photos that it is not tuned on (not the paper's).

    It decides after which epoch to stop, and how far to go from the raw to the tuned norm layers (WiSE-FT).

    Attributes:
        held_back: fraction of the base names, and of the photos, that the probe is not tuned on.
        ways: candidates for the way from the raw (0) to the tuned (1) norm layers.
        boxes: maximum boxes of held-back names, and of held-back photos, that are measured.
        seed: of the choice of names and photos.
    """

    held_back: Part = 0.2
    ways: Annotated[tuple[Way, ...], Field(min_length=1)] = (0.25, 0.5, 0.75, 1.0)
    boxes: Count = 2048
    seed: Seed = 0


@config
class RenormConfig:
    """CLIP re-normalization (docs/method.md, section 2); the defaults are the paper's for COCO.

    Attributes:
        method: `tune` trains the norm layers on base boxes; `statistics` sets them from the activations on
            box crops, without labels; `none` leaves the teacher as it is.
        towers: the towers whose norm layers are tuned.
        loss: `bce` is the paper's binary cross-entropy for each base name; in `softmax` the names compete.
        epochs: passes over the photos that have a base box.
        photos_per_step: photos in a step, with all their boxes.
        learning_rate: AdamW's; constant.
        weight_decay: AdamW's.
        clip_norm: largest L2 norm of all gradients together.
        context_factor: sides of the crop / sides of the box.
        min_side: pixels; shorter sides of a crop are widened to it, after `context_factor`.
        repeat_threshold: photos with a base name in less than this fraction of the photos are repeated
            (repeat-factor sampling); 0 repeats none.
        area_weights: whether small boxes have larger weights in the loss.
        flips: fraction of the photos whose crops are mirrored, drawn again in each epoch.
        check: of `tune`: a probe that chooses epoch and interpolation; null takes all epochs all the way, as
            the paper does.
        seed: of the order of photos.
    """

    method: Literal["tune", "statistics", "none"] = "tune"
    towers: Towers = "both"
    loss: Literal["bce", "softmax"] = "bce"
    epochs: Count = 12
    photos_per_step: Count = 4
    learning_rate: Positive = 1e-4
    weight_decay: NonNegative = 1e-4
    clip_norm: Positive = 0.1
    context_factor: Factor = 1.2
    min_side: Positive = 10.0
    repeat_threshold: Fraction = 0.0
    area_weights: bool = False
    flips: Fraction = 0.5
    check: CheckConfig | None = None
    seed: Seed = 0
