"""A probe of re-normalization: tunes without some base names and photos, and measures on those."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property

import torch
from torch import Tensor

from ezsd.renorm.config import CheckConfig, RenormConfig
from ezsd.renorm.held_back import HeldBack
from ezsd.renorm.labelled_crops import LabelledCrops
from ezsd.renorm.measure import BATCH
from ezsd.renorm.norm_layers import find_norm_layers, interpolate_norms, load_norm_state, norm_state
from ezsd.renorm.trial import Trial, start_trial
from ezsd.renorm.tune import Tuner, TuneState
from ezsd.teacher.name_embeddings import embed_names
from ezsd.teacher.prompts import Prompts
from ezsd.teacher.protocol import Teacher

_TUNED, _TRIAL = "probe/", "trial/"


@dataclass(frozen=True)
class ProbeState:
    """Where a probe is after an epoch, from which an interrupted one continues exactly.

    Attributes:
        tuned: of the tuning.
        trial: what was measured.
    """

    tuned: TuneState
    trial: Trial

    def to_tensors(self) -> dict[str, Tensor]:
        """Plain named tensors, for a file."""
        tuned = {_TUNED + name: value for name, value in self.tuned.to_tensors().items()}
        return {**tuned, **trial_tensors(self.trial)}

    @staticmethod
    def from_tensors(tensors: dict[str, Tensor]) -> "ProbeState":
        """The inverse of `to_tensors`."""
        own = {key.removeprefix(_TUNED): value for key, value in tensors.items() if key.startswith(_TUNED)}
        return ProbeState(TuneState.from_tensors(own), read_trial(tensors))


def trial_tensors(trial: Trial) -> dict[str, Tensor]:
    """Plain named tensors, for a file."""
    return {_TRIAL + part.name: getattr(trial, part.name) for part in fields(Trial)}


def read_trial(tensors: dict[str, Tensor]) -> Trial:
    """The inverse of `trial_tensors`; other tensors are ignored."""
    return Trial(**{part.name: tensors[_TRIAL + part.name] for part in fields(Trial)})


@dataclass
class Probe:
    """Tunes a raw teacher without the boxes that are held back, measures on those, and leaves it raw again.

    Attributes:
        teacher: raw.
        names: base names, in the order of the labels.
        prompts: texts of the names.
        parts: base boxes, divided.
        config: the recipe of the tuning.
        check: the recipe of the probe.
        on_boxes: called with numbers of boxes, for progress.
    """

    teacher: Teacher
    names: Sequence[str]
    prompts: Prompts
    parts: HeldBack
    config: RenormConfig
    check: CheckConfig
    on_boxes: Callable[[int], None] = field(default=lambda boxes: None)

    def run(self, state: ProbeState | None, on_epoch: Callable[[ProbeState], None]) -> Trial:
        """Probe all epochs.

        Args:
            state: where an earlier run stopped.
            on_epoch: called with the state after each epoch.
        """
        raw = norm_state(find_norm_layers(self.teacher, "both"))
        raw_rights = self._measure()
        trial = state.trial if state else start_trial(self.check.ways, raw_rights)

        def measure(tuned: TuneState) -> None:
            nonlocal trial
            rights = [self._measure_at(raw, tuned, way) for way in self.check.ways]
            trial = trial.with_epoch(rights, raw_rights)
            on_epoch(ProbeState(tuned, trial))

        names = [self.names[label] for label in self.parts.tuned_names]
        tuner = Tuner(self.teacher, names, self.prompts, self.parts.tuned, self.config, self.on_boxes)
        tuner.run(state.tuned if state else None, measure)
        load_norm_state(self.teacher, raw)
        return trial

    @cached_property
    def measured_boxes(self) -> int:
        """Boxes that are measured for each candidate."""
        return sum(len(data.labels[photo]) for data, photos in self._samples for photo in photos)

    @cached_property
    def _samples(self) -> tuple[tuple[LabelledCrops, list[int]], ...]:
        parts = (self.parts.names, self.parts.boxes)
        return tuple((data, data.sample(self.check.boxes, self.check.seed)) for data in parts)

    def _measure_at(self, raw: dict[str, Tensor], tuned: TuneState, way: float) -> list[Tensor]:
        load_norm_state(self.teacher, interpolate_norms(raw, {**raw, **tuned.norms}, way))
        rights = self._measure()
        load_norm_state(self.teacher, tuned.norms)
        return rights

    @torch.no_grad()
    def _measure(self) -> list[Tensor]:
        """Which held-back boxes get their name, by kind of `trial.KINDS`: bool `(n,)` each."""
        text = embed_names(self.teacher, self.names, self.prompts)
        held = torch.tensor(self.parts.held_names)
        (names, name_labels), (boxes, box_labels) = (self._scores(*part, text) for part in self._samples)
        return [
            names.argmax(dim=1) == name_labels,
            held[names[:, held].argmax(dim=1)] == name_labels,
            boxes.argmax(dim=1) == box_labels,
        ]

    def _scores(self, data: LabelledCrops, photos: Sequence[int], text: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines with all base names `(n, C)` and labels `(n,)`, on the CPU."""
        scores, labels = [], []
        for crops, own in data.batches(photos, BATCH):
            features = self.teacher.encode_images(self.teacher.pixels(crops))
            scores.append((features @ text.T).cpu())
            labels.append(own)
            self.on_boxes(len(own))
        return torch.cat(scores), torch.cat(labels)
