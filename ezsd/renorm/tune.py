"""Tunes the gammas and betas of a teacher's norm layers on base boxes (paper, section 3.2)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from ezsd.renorm.config import RenormConfig
from ezsd.renorm.labelled_crops import LabelledCrops, regroup
from ezsd.renorm.loss import BOX_LOSSES, area_weights
from ezsd.renorm.norm_layers import find_norm_layers, load_norm_state, norm_parameters, norm_state
from ezsd.teacher.name_embeddings import embed_names
from ezsd.teacher.prompts import Prompts
from ezsd.teacher.protocol import Teacher
from ezsd.training.repeats import epoch_order, repeat_factors

CROPS_AT_ONCE = 64
"""Crops in one backward pass; a step with more boxes accumulates gradients over parts."""

FLIP_STREAM = 1 << 40
"""Flips are drawn from other random numbers than the order."""

MOMENTS = ("step", "exp_avg", "exp_avg_sq")


@dataclass(frozen=True)
class TuneState:
    """The state of tuning after an epoch, from which an interrupted run continues exactly.

    Attributes:
        norms: gammas and betas by name.
        moments: AdamW's state by `<number of the parameter>/<moment>`.
        losses: mean loss of a box in each epoch.
        accuracies: fraction of training boxes that got the right name in each epoch, before their step.
    """

    norms: Mapping[str, Tensor]
    moments: Mapping[str, Tensor]
    losses: tuple[float, ...] = ()
    accuracies: tuple[float, ...] = ()

    def to_tensors(self) -> dict[str, Tensor]:
        """Plain named tensors, for a file."""
        return {
            **{f"norm/{name}": value for name, value in self.norms.items()},
            **{f"adam/{name}": value for name, value in self.moments.items()},
            "history/losses": torch.tensor(self.losses, dtype=torch.float64),
            "history/accuracies": torch.tensor(self.accuracies, dtype=torch.float64),
        }

    @staticmethod
    def from_tensors(tensors: Mapping[str, Tensor]) -> "TuneState":
        """The inverse of `to_tensors`."""
        return TuneState(
            {name[5:]: value for name, value in tensors.items() if name.startswith("norm/")},
            {name[5:]: value for name, value in tensors.items() if name.startswith("adam/")},
            tuple(tensors["history/losses"].tolist()),
            tuple(tensors["history/accuracies"].tolist()),
        )


@dataclass
class _Tally:
    boxes: int = 0
    loss: float = 0.0
    correct: int = 0


@dataclass
class Tuner:
    """Tunes one teacher in place.

    Attributes:
        teacher: frozen, except for its chosen norm layers.
        names: base names, in the order of the labels.
        prompts: texts of the names.
        data: labelled crops of base boxes.
        config: the recipe.
        on_step: called with the number of boxes of each step, for progress.
    """

    teacher: Teacher
    names: Sequence[str]
    prompts: Prompts
    data: LabelledCrops
    config: RenormConfig
    on_step: Callable[[int], None] = field(default=lambda boxes: None)

    def __post_init__(self) -> None:
        self._layers = find_norm_layers(self.teacher, self.config.towers)
        self._parameters = norm_parameters(self._layers)
        self._optimizer = torch.optim.AdamW(
            self._parameters,
            lr=self.config.learning_rate,
            weight_decay=self.config.weight_decay,
            foreach=False,
        )
        self._factors = repeat_factors(self.data.labels, self.config.repeat_threshold)

    def run(self, state: TuneState | None, on_epoch: Callable[[TuneState], None]) -> TuneState:
        """Train to the last epoch.

        The result does not depend on where an earlier run was interrupted.

        Args:
            state: where an earlier run stopped; None starts from the raw teacher.
            on_epoch: called with the state after each epoch.

        Returns:
            The last state.
        """
        if state is None:
            state = TuneState(norm_state(self._layers), {})
        self._restore(state)
        for parameter in self._parameters:
            parameter.requires_grad_(True)
        try:
            for epoch in range(len(state.losses), self.config.epochs):
                tally = self._run_epoch(epoch)
                state = TuneState(
                    norm_state(self._layers),
                    self._moments(),
                    (*state.losses, tally.loss / max(tally.boxes, 1)),
                    (*state.accuracies, tally.correct / max(tally.boxes, 1)),
                )
                on_epoch(state)
        finally:
            for parameter in self._parameters:
                parameter.requires_grad_(False)
        return state

    def _run_epoch(self, epoch: int) -> _Tally:
        order = epoch_order(self._factors, self.config.seed, epoch)
        flips = self._draw_flips(len(order), epoch)
        tally = _Tally()
        with closing(self.data.ahead(order)) as crops:
            for start in range(0, len(order), self.config.photos_per_step):
                stop = start + self.config.photos_per_step
                photos = order[start:stop]
                self._step(photos, self._mirrored(photos, crops, flips[start:stop]), tally)
        return tally

    def _draw_flips(self, photos: int, epoch: int) -> list[bool]:
        generator = torch.Generator().manual_seed(FLIP_STREAM + self.config.seed * 100_003 + epoch)
        flips: list[bool] = (torch.rand(photos, generator=generator) < self.config.flips).tolist()
        return flips

    def _mirrored(
        self, photos: Sequence[int], crops: Iterator[Tensor], flips: Sequence[bool]
    ) -> Iterator[Tensor]:
        """The next pieces of these photos, all of a photo mirrored or none."""
        for photo, flip in zip(photos, flips, strict=True):
            for piece in islice(crops, len(self.data.pieces([photo]))):
                yield piece.flip(-1) if flip else piece

    def _step(self, photos: Sequence[int], crops: Iterable[Tensor], tally: _Tally) -> None:
        labels = torch.cat([self.data.labels[photo] for photo in photos]).to(self.teacher.device)
        weights = self._weights(photos)
        self._optimizer.zero_grad()
        text = self._text()
        # gradients of all parts with respect to the text add up here, for one backward pass of the text tower
        text_in = text.detach().requires_grad_(text.requires_grad)
        parts = zip(
            regroup(crops, CROPS_AT_ONCE),
            labels.split(CROPS_AT_ONCE),
            weights.split(CROPS_AT_ONCE),
            strict=True,
        )
        for part, own_labels, own_weights in parts:
            logits = self._logits(part, text_in)
            losses = BOX_LOSSES[self.config.loss](logits, own_labels)
            (losses * own_weights).sum().div(len(labels)).backward()
            tally.loss += losses.detach().sum().item()
            tally.correct += int((logits.argmax(dim=1) == own_labels).sum())
        if text_in.grad is not None:
            text.backward(text_in.grad)
        clip_grad_norm_(self._parameters, self.config.clip_norm)
        self._optimizer.step()
        tally.boxes += len(labels)
        self.on_step(len(labels))

    def _text(self) -> Tensor:
        if self.config.towers == "image":
            return self._fixed_text
        return embed_names(self.teacher, self.names, self.prompts)

    @cached_property
    def _fixed_text(self) -> Tensor:
        """Text embeddings of a text tower that is not tuned: the same at every step."""
        return embed_names(self.teacher, self.names, self.prompts)

    def _logits(self, crops: Tensor, text: Tensor) -> Tensor:
        images = self.teacher.encode_images(self.teacher.pixels(crops))
        return self.teacher.logit_scale * images @ text.T + self.teacher.logit_bias

    def _weights(self, photos: Sequence[int]) -> Tensor:
        areas = torch.cat([self.data.relative_areas[photo] for photo in photos]).to(self.teacher.device)
        return area_weights(areas) if self.config.area_weights else torch.ones_like(areas)

    def _moments(self) -> dict[str, Tensor]:
        return {
            f"{number}/{moment}": self._optimizer.state[parameter][moment].detach().cpu().clone()
            for number, parameter in enumerate(self._parameters)
            if parameter in self._optimizer.state
            for moment in MOMENTS
        }

    def _restore(self, state: TuneState) -> None:
        load_norm_state(self.teacher, state.norms)
        for number, parameter in enumerate(self._parameters):
            if f"{number}/step" in state.moments:
                self._optimizer.state[parameter] = {
                    # AdamW keeps its step counter on the CPU
                    moment: state.moments[f"{number}/{moment}"]
                    .clone()
                    .to("cpu" if moment == "step" else parameter.device)
                    for moment in MOMENTS
                }
