"""Settings of training."""

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field

from ezsd.config import Count, Fraction, NonNegative, Positive, Seed, Whole, config

Decay = Literal["steps", "cosine"]


@config
class ScheduleConfig:
    """Length and learning rate of training; the defaults are the paper's 1x (docs/method.md, section 6).

    Attributes:
        epochs: passes over the photos, with repeats of those with rare names; need not be whole.
        decay: how the rate falls: ten times at each of `decay_epochs`, or along half a `cosine`.
        decay_epochs: epochs, whole or not, after which the rate is ten times smaller; of no use to a cosine.
        images_per_step: over all processes and micro-batches.
        learning_rate: after warm-up and before the first decay.
        warmup_steps: steps over which the rate rises from a thousandth.
    """

    epochs: Positive = 12.0
    decay: Decay = "steps"
    decay_epochs: tuple[Positive, ...] = (8.0, 11.0)
    images_per_step: Count = 4
    learning_rate: Positive = 0.005
    warmup_steps: Whole = 500


OptimizerName = Literal["sgd", "adamw"]
LossName = Literal["objectness", "proposal_box", "classification", "box", "distillation", "mask"]


@config
class StepConfig:
    """How a step is taken over the mean of its micro-batches; the defaults are the paper's.

    Attributes:
        optimizer: `sgd`, the paper's, or `adamw`.
        momentum: SGD's; AdamW has its own.
        weight_decay: of either.
        clip_norm: largest L2 norm of all gradients together.
        loss_factors: factors of losses in the sum, by name; 1 for those that are left out. The paper's for
            `distillation` is 1 on COCO, 0.5 on LVIS.
        micro_batches: number of parts in which a step is computed, to save memory.
        mixed_precision: bfloat16 where the device is a GPU.
        seed: of weights, order and draws.
    """

    optimizer: OptimizerName = "sgd"
    momentum: Fraction = 0.9
    weight_decay: NonNegative = 1e-4
    clip_norm: Positive = 10.0
    loss_factors: dict[LossName, NonNegative] = field(default_factory=dict)
    micro_batches: Count = 1
    mixed_precision: bool = False
    seed: Seed = 0


@config
class JitterConfig:
    """Large-scale jitter: photos are shown smaller or larger, by a factor drawn evenly between two.

    Attributes:
        smallest: factor; 1 is the scale that the photo has without jitter.
        largest: factor.
    """

    smallest: Positive
    largest: Positive

    def __post_init__(self) -> None:
        if self.smallest > self.largest:
            raise ValueError("smallest must not be above largest")


ProposalWeights = Literal["confidence", "equal"]


@config
class ExampleConfig:
    """What is drawn at random in each showing of a photo; the defaults are the paper's.

    Attributes:
        proposals_per_image: cached proposals that are drawn, without replacement, at most.
        proposal_weights: weight of a proposal in the distillation loss: the teacher's `confidence` in its
            name, or `equal` for all, which is ViLD's.
        ground_truth_share: share of the distillation loss for all ground-truth boxes of a photo together;
            null is the paper's: one mean over them and the proposals, of which there are many more.
        short_sides: pixels; the photo is scaled to one of them.
        jitter: range of large-scale jitter; null for none.
    """

    proposals_per_image: Whole = 200
    proposal_weights: ProposalWeights = "confidence"
    ground_truth_share: Fraction | None = None
    short_sides: Annotated[tuple[Count, ...], Field(min_length=1)] = (800,)
    jitter: JitterConfig | None = None
