"""Teaches the region proposer from base boxes."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim import SGD

from ezsd.errors import InputError
from ezsd.mining.rpn import LOSSES, RegionProposer
from ezsd.training.checkpoint import model_tensors, restore_model
from ezsd.training.config import StepConfig
from ezsd.training.dataset import Example
from ezsd.training.engine import make_optimizer
from ezsd.training.schedule import Schedule
from ezsd.training.targets import CachedTargets

STEP = StepConfig()
"""As the detector is trained (docs/method.md, section 6)."""

_STEPS = "steps"


def box_targets(boxes_xyxy: Tensor) -> CachedTargets:
    """What a photo teaches by its base boxes (N, 4) alone: no names and no embeddings."""
    no_boxes, no_embeddings = torch.zeros(0, 4), torch.zeros(0, 1)
    return CachedTargets(
        boxes_xyxy=boxes_xyxy,
        labels=torch.zeros(len(boxes_xyxy), dtype=torch.int64),
        object_boxes_xyxy=no_boxes,
        object_embeddings=no_embeddings,
        proposal_boxes_xyxy=no_boxes,
        proposal_embeddings=no_embeddings,
        proposal_confidences=torch.zeros(0),
    )


@dataclass
class RpnTrainer:
    """A network on its way, and the momentum of its steps so far."""

    network: RegionProposer

    def __post_init__(self) -> None:
        self.optimizer: SGD = make_optimizer(self.network, STEP)
        self.steps = 0

    def train(self, batches: Iterable[list[Example]], schedule: Schedule) -> Iterator[float]:
        """Take the steps that are left, and give the loss of each when it is done.

        Args:
            batches: from step `self.steps` on.

        Raises:
            InputError: a loss is not finite.
        """
        self.network.train()
        for batch in batches:
            for group in self.optimizer.param_groups:
                group["lr"] = schedule.rate(self.steps)
            loss = self._step(batch)
            self.steps += 1
            yield loss

    def _step(self, batch: list[Example]) -> float:
        device = next(self.network.parameters()).device
        photos = [photo.to(device) for photo, _ in batch]
        targets = [{key: value.to(device) for key, value in target.items()} for _, target in batch]
        losses = self.network(photos, targets)
        loss = torch.stack([losses[name] for name in LOSSES]).sum()
        if not math.isfinite(float(loss.detach())):
            raise InputError(
                f"the proposal network's loss is not finite at step {self.steps}: lower "
                "mine.rpn.schedule.learning_rate or raise mine.rpn.schedule.warmup_steps"
            )
        loss.backward()
        clip_grad_norm_(self.network.parameters(), STEP.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return float(loss.detach())

    def tensors(self) -> dict[str, Tensor]:
        """All that is needed to go on as if there had been no stop; contiguous, on the CPU."""
        return {**model_tensors(self.network, self.optimizer), _STEPS: torch.tensor(self.steps)}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Goes back to where `tensors` were taken."""
        restore_model(self.network, self.optimizer, tensors)
        self.steps = int(tensors[_STEPS])
