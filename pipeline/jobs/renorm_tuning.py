"""Tunes the teacher, after a probe that chooses how far if one is asked for; an interrupted run continues."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from ezsd.pipeline.errors import at_key
from ezsd.pipeline.stage import StageContext
from ezsd.pipeline.tensor_files import Checkpoint
from ezsd.renorm.check import Probe, ProbeState, read_trial, trial_tensors
from ezsd.renorm.config import CheckConfig
from ezsd.renorm.held_back import HeldBack, hold_back
from ezsd.renorm.labelled_crops import LabelledCrops
from ezsd.renorm.norm_layers import find_norm_layers, interpolate_norms, load_norm_state, norm_state
from ezsd.renorm.trial import BOXES, KINDS, NAMES, Choice, Trial
from ezsd.renorm.tune import Tuner, TuneState
from ezsd.teacher.prompts import Prompts
from ezsd.teacher.protocol import Teacher

PROBE = "renorm: check on held-back names"


@dataclass(frozen=True)
class Check:
    """A probe's result: the labels of the names that it held back, what it measured, and the choice."""

    held_names: tuple[int, ...]
    trial: Trial
    choice: Choice


@dataclass(frozen=True)
class Tuning:
    """What tuning did: its accuracy on the training boxes in each epoch, and the check, if there was one."""

    accuracies: tuple[float, ...] = ()
    check: Check | None = None


@dataclass(frozen=True)
class TeacherTuning:
    """Tunes a raw teacher in place on base boxes."""

    context: StageContext
    teacher: Teacher
    names: Sequence[str]
    prompts: Prompts
    data: LabelledCrops

    def run(self) -> Tuning:
        """Probe if the params ask for it, then tune."""
        config = self.context.params.renorm
        checkpoint = Checkpoint(self.context)
        saved = checkpoint.read() or {}
        if config.check is None:
            return Tuning(self._tune(Choice(config.epochs, 1.0), saved, {}, checkpoint))
        with at_key("renorm.check"):
            parts = hold_back(self.data, config.check)
        trial = self._trial(parts, config.check, saved, checkpoint)
        check = Check(parts.held_names, trial, trial.choose())
        tuned = {} if any(key.startswith("probe/") for key in saved) else saved
        return Tuning(self._tune(check.choice, tuned, trial_tensors(trial), checkpoint), check)

    def _trial(
        self, parts: HeldBack, check: CheckConfig, saved: dict[str, Tensor], checkpoint: Checkpoint
    ) -> Trial:
        config = self.context.params.renorm
        if saved and read_trial(saved).epochs == config.epochs:
            return read_trial(saved)
        state = ProbeState.from_tensors(saved) if saved else None
        probe = Probe(self.teacher, self.names, self.prompts, parts, config, check)
        measured, tuned = probe.measured_boxes, sum(map(len, parts.tuned.labels))
        a_epoch = tuned + measured * len(check.ways)
        done = state.trial.epochs * a_epoch if state else 0
        with self.context.progress(
            measured + config.epochs * a_epoch, "boxes", done, label=PROBE
        ) as progress:

            def on_epoch(state: ProbeState) -> None:
                checkpoint.save(state.to_tensors())
                last = state.trial.accuracy[-1, -1]
                progress.say(f"held-back names {last[NAMES]:.3f}, held-back boxes {last[BOXES]:.3f}")

            return replace(probe, on_boxes=progress.advance).run(state, on_epoch)

    def _tune(
        self, choice: Choice, saved: dict[str, Tensor], kept: dict[str, Tensor], checkpoint: Checkpoint
    ) -> tuple[float, ...]:
        """Tune to the chosen epoch and go the chosen way; `kept` stays in every checkpoint."""
        config = replace(self.context.params.renorm, epochs=choice.epoch)
        raw = norm_state(find_norm_layers(self.teacher, config.towers))
        state = TuneState.from_tensors(saved) if saved else None
        boxes = sum(map(len, self.data.labels))
        done = len(state.losses) * boxes if state else 0
        with self.context.progress(config.epochs * boxes, "boxes", done) as progress:

            def on_epoch(state: TuneState) -> None:
                checkpoint.save({**state.to_tensors(), **kept})
                progress.say(f"loss {state.losses[-1]:.4f}, accuracy {state.accuracies[-1]:.3f}")

            tuner = Tuner(self.teacher, self.names, self.prompts, self.data, config, progress.advance)
            last = tuner.run(state, on_epoch)
        load_norm_state(self.teacher, interpolate_norms(raw, last.norms, choice.way))
        return last.accuracies


def summary(check: Check) -> dict[str, Any]:
    """The choice, and accuracy on held-back boxes before and with it, for the manifest."""
    rounded = {"raw": check.trial.raw, "chosen": check.trial.at(check.choice)[0]}
    return {
        "epoch": check.choice.epoch,
        "way": check.choice.way,
        "held_back_names": len(check.held_names),
        **{
            f"{kind}_{name}": round(float(shares[place]), 6)
            for name, shares in rounded.items()
            for place, kind in enumerate(KINDS)
        },
    }
