"""The work of `renorm`: tunes the teacher on crops of base boxes, and records the change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ezsd.cache.renorm_file import CheckRecord, NormLayerRecord, RenormRecord
from ezsd.pipeline.data.training_photos import open_training_photos
from ezsd.pipeline.device import choose_device, loader_workers
from ezsd.pipeline.jobs.base_crops import BasePhotos
from ezsd.pipeline.jobs.renorm_tuning import Check, TeacherTuning, Tuning
from ezsd.pipeline.models.teacher import prompts_of
from ezsd.pipeline.models.teacher_source import resolve_teacher
from ezsd.pipeline.stage import StageContext
from ezsd.renorm.labelled_crops import LabelledCrops
from ezsd.renorm.measure import DomainStatistics, measure_domain
from ezsd.renorm.norm_layers import find_norm_layers, norm_state
from ezsd.renorm.statistics import renormalize_by_statistics
from ezsd.split import Split
from ezsd.teacher.load import load_teacher
from ezsd.teacher.name_embeddings import embed_names
from ezsd.teacher.prompts import Prompts
from ezsd.teacher.protocol import Teacher

MEASURE = "renorm: measure boxes"
SAMPLE_BOXES = 2048
"""Number of boxes that statistics and accuracy are measured on."""

SAMPLE_PICTURES = 256
"""Number of whole photos, and of boxes, that the training-free method uses."""


@dataclass(frozen=True)
class View:
    """Norm layers, statistics and text embeddings of a teacher, before or after re-normalization.

    Attributes:
        norms: gammas and betas, `<tower>.<layer>.weight` and `.bias`.
        domain: statistics on a sample of base boxes.
        text: float32 `(C, D)` embeddings of all names.
    """

    norms: Mapping[str, Tensor]
    domain: DomainStatistics
    text: Tensor


@dataclass(frozen=True)
class Subject:
    """The teacher, which is re-normalized in place, and the boxes that it is tuned and measured on."""

    context: StageContext
    teacher: Teacher
    prompts: Prompts
    split: Split
    photos: BasePhotos
    data: LabelledCrops

    def view(self) -> View:
        """Measure the teacher as it is now."""
        sample = self.data.sample(SAMPLE_BOXES, self.context.params.renorm.seed)
        boxes = sum(len(self.data.labels[photo]) for photo in sample)
        with self.context.progress(boxes, "boxes", label=MEASURE) as progress:
            domain = measure_domain(
                self.teacher, self.split.labelled, self.prompts, self.data, sample, progress.advance
            )
        with torch.no_grad():
            text = embed_names(self.teacher, self.split.names, self.prompts).cpu()
        return View(norm_state(find_norm_layers(self.teacher, "both")), domain, text)

    def renormalize(self) -> Tuning:
        """Re-normalize the teacher."""
        config = self.context.params.renorm
        if config.method == "tune":
            return TeacherTuning(
                self.context, self.teacher, self.split.labelled, self.prompts, self.data
            ).run()
        if config.method == "statistics":
            sample = self.data.sample(SAMPLE_PICTURES, config.seed)[:SAMPLE_PICTURES]
            boxes, _ = next(self.data.batches(sample, SAMPLE_PICTURES))
            renormalize_by_statistics(self.teacher, self.photos.whole(sample), boxes[:SAMPLE_PICTURES])
        return Tuning()


def open_subject(context: StageContext) -> Subject:
    """The raw teacher on its device, and the base boxes of the training photos."""
    params, photos = context.params, open_training_photos(context)
    device = choose_device(params.run)
    teacher = load_teacher(resolve_teacher(params.teacher, context.root)).to(device)
    base = BasePhotos(photos, teacher.image_size, params.renorm, max(1, loader_workers(device)))
    split, prompts = photos.prepared.split, prompts_of(params.teacher)
    return Subject(context, teacher, prompts, split, base, base.labelled_crops())


def make_record(
    before: View, after: View, split: Split, tuning: Tuning, teacher: Mapping[str, Any]
) -> RenormRecord:
    """The record of one re-normalization; it uses no novel name, so its protocol is strict."""
    return RenormRecord(
        layers=tuple(_layer(name, before, after) for name in before.domain.activations),
        feature_mean_before=_plain(before.domain.feature_mean),
        feature_mean_after=_plain(after.domain.feature_mean),
        feature_covariance_before=_plain(before.domain.feature_covariance),
        feature_covariance_after=_plain(after.domain.feature_covariance),
        names=split.names,
        text_embeddings_raw=_plain(before.text),
        text_embeddings_renormalized=_plain(after.text),
        base_accuracy=np.array((before.domain.accuracy, *tuning.accuracies), dtype=np.float32),
        check=None if tuning.check is None else _check(tuning.check, split),
        teacher=teacher,
        protocol=split.protocol("strict"),
    )


def _check(check: Check, split: Split) -> CheckRecord:
    trial = check.trial
    raw = trial.raw.expand(1, *trial.accuracy.shape[1:])
    return CheckRecord(
        held_back_names=tuple(split.labelled[label] for label in check.held_names),
        ways=_plain(trial.ways),
        boxes=tuple(trial.counts.tolist()),
        accuracy=_plain(torch.cat([raw, trial.accuracy])),
        error=_plain(torch.cat([torch.zeros_like(raw), trial.error])),
        epoch=check.choice.epoch,
        way=check.choice.way,
    )


def _layer(name: str, before: View, after: View) -> NormLayerRecord:
    tower, _, path = name.partition(".")
    return NormLayerRecord(
        name=path,
        tower=tower,
        gamma_before=_plain(before.norms[f"{name}.weight"]),
        beta_before=_beta(before, name),
        gamma_after=_plain(after.norms[f"{name}.weight"]),
        beta_after=_beta(after, name),
        mean_before=_plain(before.domain.activations[name].mean),
        var_before=_plain(before.domain.activations[name].variance),
        mean_after=_plain(after.domain.activations[name].mean),
        var_after=_plain(after.domain.activations[name].variance),
    )


def _beta(view: View, name: str) -> np.ndarray:
    """Zeros for a layer without a beta."""
    beta = view.norms.get(f"{name}.bias")
    return np.zeros(len(view.norms[f"{name}.weight"]), np.float32) if beta is None else _plain(beta)


def _plain(values: Tensor) -> np.ndarray:
    return values.detach().cpu().numpy().astype(np.float32)
