"""Measures on this machine how long a training step takes, with networks of random weights."""

from dataclasses import dataclass, replace
from math import isqrt
from pathlib import Path

import torch
from torch import Tensor, nn

from ezsd.mining.rpn import RegionProposer
from ezsd.pipeline.device import choose_device, one_thread
from ezsd.pipeline.models import RANDOM
from ezsd.pipeline.models.detector import make_detector
from ezsd.pipeline.params import MineRpnParams, Params, TrainParams
from ezsd.pipeline.plan.counts import Amounts
from ezsd.pipeline.plan.probe import evenly_spaced_xyxy, meter_of
from ezsd.pipeline.plan.rates import Rate, repeat
from ezsd.training.config import ExampleConfig, StepConfig
from ezsd.training.engine import train_steps
from ezsd.training.schedule import Schedule, make_optimizer
from ezsd.training.targets import CachedTargets, draw_example

SIDES = (1 / 8, 1 / 4, 1 / 2, 1)
"""Of a photo's side in training, at which a step is tried; a slow machine has no time for the largest."""


@dataclass(frozen=True)
class TrainingProbe:
    """Measures a training step.

    Attributes:
        model: that is trained; gives its losses.
        config: of its steps.
        images: of a micro-batch.
        side: short side of a photo in training.
        targets: of a photo.
        photo: uint8 (3, H, W).
    """

    model: nn.Module
    config: StepConfig
    images: int
    side: int
    targets: CachedTargets
    photo: Tensor

    def rate(self, seconds: float) -> Rate:
        """Seconds of an image of a step, measured within a limit of seconds."""
        sizes = [max(32, round(self.side * part)) ** 2 for part in SIDES]
        with one_thread():
            repeats = repeat(self._step, sizes, seconds, meter_of(next(self.model.parameters()).device))
        return repeats.rate_at(sizes[-1]) * (1 / self.images)

    def _step(self, size: int) -> None:
        examples = ExampleConfig(proposals_per_image=len(self.targets.proposal_boxes_xyxy))
        drawn = [draw_example(self.photo, self.targets, examples, seed) for seed in range(self.images)]
        batch = [(photo, {**target, "short_side": torch.tensor(isqrt(size))}) for photo, target in drawn]
        still = Schedule(steps=1, learning_rate=0.0, warmup_steps=0, decay_steps=())
        optimizer = make_optimizer(self.model, self.config)
        next(train_steps(self.model, optimizer, [batch], still, self.config, 0))


def step_probe(params: Params, root: Path, amounts: Amounts, photo: Tensor, dim: int) -> TrainingProbe:
    """The training of the detector."""
    train: TrainParams = replace(params.train, backbone_weights=RANDOM)
    device = choose_device(params.run)
    detector = make_detector(train, root, amounts.names, dim)
    detector.set_vocabulary(torch.nn.functional.normalize(torch.randn(amounts.names, dim), dim=1))
    objects = max(1, round(amounts.boxes / max(amounts.boxed_photos, 1)))
    objects_xyxy = evenly_spaced_xyxy(objects, photo)
    proposals = min(train.examples.proposals_per_image, params.mine.keep)
    masks = None
    if train.detector.mask_head is not None:
        masks = torch.ones((objects, *photo.shape[1:]), dtype=torch.uint8)
    targets = CachedTargets(
        boxes_xyxy=objects_xyxy,
        labels=torch.arange(objects) % amounts.names,
        object_boxes_xyxy=objects_xyxy,
        object_embeddings=torch.ones(objects, dim),
        proposal_boxes_xyxy=evenly_spaced_xyxy(proposals, photo),
        proposal_embeddings=torch.ones(proposals, dim),
        proposal_confidences=torch.ones(proposals),
        masks=masks,
    )
    images = 1 if device.type == "cpu" else train.schedule.images_per_step // train.micro_batches
    side = round(sum(train.examples.short_sides) / len(train.examples.short_sides))
    config = replace(train, micro_batches=1)
    return TrainingProbe(detector.to(device), config, images, side, targets, photo)


def proposer_probe(params: Params, amounts: Amounts, photo: Tensor) -> TrainingProbe:
    """The training of the proposal network of `mine.method: rpn`."""
    rpn: MineRpnParams = params.mine.rpn
    device = choose_device(params.run)
    objects = max(1, round(amounts.boxes / max(amounts.boxed_photos, 1)))
    targets = CachedTargets.of_boxes(evenly_spaced_xyxy(objects, photo))
    images = 1 if device.type == "cpu" else rpn.schedule.images_per_step
    return TrainingProbe(RegionProposer(rpn).to(device), StepConfig(), images, rpn.short_side, targets, photo)
