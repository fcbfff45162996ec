"""Measures the training of networks, and what the detector does before and after its training."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isqrt
from pathlib import Path

import torch
from torch import Tensor, nn

from ezsd.detector.config import Selection
from ezsd.detector.detector import ZeroShotDetector, detect
from ezsd.mining.rpn import RegionProposer
from ezsd.pipeline.device import choose_device, one_thread
from ezsd.pipeline.jobs.train import start_rows
from ezsd.pipeline.models import RANDOM
from ezsd.pipeline.models.detector import make_detector
from ezsd.pipeline.params import MineRpnParams, Params, TrainParams
from ezsd.pipeline.plan.counts import Amounts
from ezsd.pipeline.plan.probe_parts import Task, evenly_spaced_xyxy, meter_of
from ezsd.pipeline.plan.rates import Rate, repeat
from ezsd.pipeline.plan.work import DETECTION, HEAD, PROPOSER, STEP
from ezsd.training.closed_form import start_in_closed_form
from ezsd.training.config import ExampleConfig, StepConfig
from ezsd.training.dataset import Example
from ezsd.training.engine import train_steps
from ezsd.training.schedule import Schedule, make_optimizer
from ezsd.training.targets import CachedTargets, draw_example

SIDES = (1 / 8, 1 / 4, 1 / 2, 1)
"""Of a photo's side, at which a network is tried; a slow machine has no time for the largest."""
START_SIZES = (1, 8, 64)
"""Photos at which a closed-form start is tried: its solution takes as long as some dozens of photos."""


def areas(side: int) -> list[int]:
    """Squares of some sides up to a photo's short side: the time of a network grows with the area."""
    return [max(32, round(side * part)) ** 2 for part in SIDES]


def training_probes(
    params: Params, root: Path, amounts: Amounts, photo: Tensor, dim: int
) -> Mapping[str, Task]:
    """The measurements of what depends on `train`, by the name of their rate."""
    detector = _random_detector(params, root, amounts, dim)
    training = step_probe(params, detector, amounts, photo)
    objects_xyxy = evenly_spaced_xyxy(amounts.boxes_a_photo, photo)
    probes: dict[str, Task] = {DETECTION: DetectionProbe(detector, params.evaluate, objects_xyxy, photo).rate}
    if params.train.detector.start == "closed_form":
        photos = len(start_rows(round(amounts.train_photos)))
        probes[HEAD] = lambda seconds: start_rate(detector, training, photos, seconds)
    if params.mine.method == "rpn":
        probes[PROPOSER] = proposer_probe(params, amounts, photo).rate
    return {**probes, STEP: training.rate}  # most of the time is that of steps: the last has what is left


def _random_detector(params: Params, root: Path, amounts: Amounts, dim: int) -> ZeroShotDetector:
    """The detector with random weights and names, on its device, with memory laid out as in training."""
    train = replace(params.train, backbone_weights=RANDOM)
    detector = make_detector(train, root, amounts.names, dim)
    detector.set_vocabulary(torch.nn.functional.normalize(torch.randn(amounts.names, dim), dim=1))
    return detector.to(choose_device(params.run), memory_format=torch.channels_last)


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
        sizes = areas(self.side)
        with one_thread():
            repeats = repeat(self._step, sizes, seconds, meter_of(next(self.model.parameters()).device))
        return repeats.rate_at(sizes[-1]) * (1 / self.images)

    def _step(self, size: int) -> None:
        batch = self.examples(self.images, isqrt(size))
        still = Schedule(steps=1, learning_rate=0.0, warmup_steps=0, decay_steps=())
        optimizer = make_optimizer(self.model, self.config)
        next(train_steps(self.model, optimizer, [batch], still, self.config, 0))

    def examples(self, photos: int, side: int) -> list[Example]:
        """Draw this many examples of the photo, scaled to a short side."""
        config = ExampleConfig(proposals_per_image=len(self.targets.proposal_boxes_xyxy))
        drawn = [draw_example(self.photo, self.targets, config, seed) for seed in range(photos)]
        return [(photo, {**target, "short_side": torch.tensor(side)}) for photo, target in drawn]


@dataclass(frozen=True)
class DetectionProbe:
    """Measures what evaluation does with a photo.

    Attributes:
        detector: with a vocabulary.
        selection: how detections are chosen.
        objects_xyxy: (N, 4) of the photo, which the detector names.
        photo: uint8 (3, H, W).
    """

    detector: ZeroShotDetector
    selection: Selection
    objects_xyxy: Tensor
    photo: Tensor

    def rate(self, seconds: float) -> Rate:
        """Seconds of a photo, measured within a limit of seconds."""
        device, transform = next(self.detector.parameters()).device, self.detector.transform
        photo, (side,) = self.photo.to(device), transform.min_size

        def run(size: int) -> None:
            transform.min_size = (isqrt(size),)
            detect(self.detector, [photo], self.selection)
            self.detector.name(photo, self.objects_xyxy)

        sizes = areas(side)
        with one_thread():
            return repeat(run, sizes, seconds, meter_of(device)).rate_at(sizes[-1])


def start_rate(detector: ZeroShotDetector, training: TrainingProbe, photos: int, seconds: float) -> Rate:
    """Seconds of the closed-form start from `photos` photos, measured within a limit."""

    def solve(some: int) -> None:
        start_in_closed_form(detector, training.examples(some, training.side))

    with one_thread():
        meter = meter_of(next(detector.parameters()).device)
        sizes = [some for some in START_SIZES if some < photos]
        return repeat(solve, [*sizes, photos], seconds, meter).rate_at(photos)


def step_probe(params: Params, detector: ZeroShotDetector, amounts: Amounts, photo: Tensor) -> TrainingProbe:
    """The training of the detector."""
    train: TrainParams = params.train
    device, dim = choose_device(params.run), detector.embedding_dim
    objects = amounts.boxes_a_photo
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
    return TrainingProbe(detector, config, images, side, targets, photo)


def proposer_probe(params: Params, amounts: Amounts, photo: Tensor) -> TrainingProbe:
    """The training of the proposal network of `mine.method: rpn`."""
    rpn: MineRpnParams = params.mine.rpn
    device = choose_device(params.run)
    targets = CachedTargets.of_boxes(evenly_spaced_xyxy(amounts.boxes_a_photo, photo))
    images = 1 if device.type == "cpu" else rpn.schedule.images_per_step
    return TrainingProbe(RegionProposer(rpn).to(device), StepConfig(), images, rpn.short_side, targets, photo)
