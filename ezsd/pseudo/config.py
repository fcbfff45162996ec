"""Settings of pseudo boxes."""

from typing import Annotated, Literal

from pydantic import Field

from ezsd.config import Count, Fraction, Seed, config


@config
class PseudoConfig:
    """Pseudo boxes from cached proposals (docs/method.md, section 8), not the paper's; null for none.

    Attributes:
        names: `known` trains them as objects of the novel name that mining gave them; `strict` uses no novel
            name: they are neither objects nor background.
        precision: least calibrated probability of being right; boxes below it stay background.
        keep: largest number of pseudo boxes of a photo.
        nms_iou: of two boxes that overlap by more, the likelier one is kept.
        vote_iou: a box becomes the mean of the boxes of its name that overlap it by this IoU or more,
            weighted by their probability.
        held_back: share of the base names that are mined as if they were novel, to calibrate.
        photos: largest number of training photos that are mined again for this.
        seed: of the held-back names.
    """

    names: Literal["known", "strict"] = "known"
    precision: Fraction = 0.3
    keep: Count = 4
    nms_iou: Fraction = 0.5
    vote_iou: Fraction = 0.5
    held_back: Annotated[float, Field(gt=0, lt=1)] = 0.2
    photos: Count = 128
    seed: Seed = 0
