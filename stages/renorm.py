"""`renorm`: tune the teacher's norm layers on base boxes, and record what that changed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from ezsd.cache.artifacts import Renormed
from ezsd.cache.atomic import write_bytes_atomic
from ezsd.cache.folders import remove_file
from ezsd.cache.renorm_file import write_renorm
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.device import choose_device, loader_workers
from ezsd.pipeline.jobs.base_photos import LOOK, SAMPLE_BOXES, BasePhotos
from ezsd.pipeline.jobs.renorm_record import View, make_record
from ezsd.pipeline.models.teacher import prompts_of, resolve_teacher, teacher_digests
from ezsd.pipeline.params import Params
from ezsd.pipeline.stage import StageContext, StageResult
from ezsd.renorm.labelled_crops import LabelledCrops
from ezsd.renorm.measure import measure_domain
from ezsd.renorm.norm_layers import find_norm_layers, norm_state
from ezsd.renorm.statistics import renormalize_by_statistics
from ezsd.renorm.tune import Tuner, TuneState
from ezsd.split import Split
from ezsd.teacher.load import load_teacher
from ezsd.teacher.name_embeddings import embed_names, warn_of_cut_names
from ezsd.teacher.prompts import Prompts
from ezsd.teacher.protocol import Teacher

CHECKPOINT = "checkpoint.safetensors"
SAMPLE_PICTURES = 256
"""Whole photos, and boxes, that the training-free method looks at."""


def external_inputs(params: Params, root: Path) -> dict[str, Any]:
    """Hashes of the teacher's weights and config."""
    return teacher_digests(resolve_teacher(params.teacher, root))


def run(context: StageContext) -> StageResult:
    """Write `norms.safetensors` and `renorm.h5`."""
    subject = _subject(context)
    before = subject.view(context)
    accuracies = _renormalize(subject, context)
    after = subject.view(context)
    renormed = Renormed(context.folder)
    write_bytes_atomic(renormed.norms, save(_norms(subject.teacher)))
    teacher = context.params.teacher
    told = {
        "model": teacher.model,
        "templates": subject.prompts.templates,
        "text_names": teacher.text_names,
        **external_inputs(context.params, context.root),
    }
    history = (before.domain.accuracy, *accuracies)
    write_renorm(renormed.record, make_record(before, after, subject.split, history, told))
    remove_file(context.folder / CHECKPOINT)
    boxes = sum(map(len, subject.data.labels))
    return StageResult(
        {"photos": len(subject.data), "boxes": boxes, "norm_layers": len(after.domain.activations)},
        {
            "method": context.params.renorm.method,
            "base_accuracy_before": round(before.domain.accuracy, 6),
            "base_accuracy_after": round(after.domain.accuracy, 6),
            "accuracy_boxes": after.domain.boxes,
            "cut_names": warn_of_cut_names(subject.teacher, subject.split.names, subject.prompts),
        },
    )


@dataclass(frozen=True)
class _Subject:
    """The teacher, and what it is tuned and measured on."""

    teacher: Teacher
    prompts: Prompts
    split: Split
    photos: BasePhotos
    data: LabelledCrops

    def view(self, context: StageContext) -> View:
        """What the teacher is like now."""
        sample = self.data.sample(SAMPLE_BOXES, context.params.renorm.seed)
        boxes = sum(len(self.data.labels[photo]) for photo in sample)
        with context.progress(boxes, "boxes", label=LOOK) as progress:
            domain = measure_domain(
                self.teacher, self.split.labelled, self.prompts, self.data, sample, progress.advance
            )
        with torch.no_grad():
            text = embed_names(self.teacher, self.split.names, self.prompts).cpu()
        return View(_norms(self.teacher), domain, text)


def _subject(context: StageContext) -> _Subject:
    params, prepared = context.params, Prepared(context.parent("prepare"))
    device = choose_device(params.run)
    teacher = load_teacher(resolve_teacher(params.teacher, context.root)).to(device)
    folder = resolve_sources(params.data, context.root, prepared.folder).train.folder()
    threads = max(1, loader_workers(device))
    photos = BasePhotos(prepared.train, folder, teacher.image_size, params.renorm, threads)
    return _Subject(teacher, prompts_of(params.teacher), prepared.split, photos, photos.labelled_crops())


def _renormalize(subject: _Subject, context: StageContext) -> tuple[float, ...]:
    """Changes the teacher in place; returns its accuracy on the training boxes, epoch by epoch."""
    method, seed = context.params.renorm.method, context.params.renorm.seed
    if method == "tune":
        return _tune(subject, context)
    if method == "statistics":
        sample = subject.data.sample(SAMPLE_PICTURES, seed)[:SAMPLE_PICTURES]
        boxes = torch.cat(list(subject.data.ahead(sample)))[:SAMPLE_PICTURES]
        renormalize_by_statistics(subject.teacher, subject.photos.whole(sample), boxes)
    return ()


def _tune(subject: _Subject, context: StageContext) -> tuple[float, ...]:
    config, checkpoint = context.params.renorm, context.folder / CHECKPOINT
    state = TuneState.from_tensors(load_file(checkpoint)) if checkpoint.is_file() else None
    boxes = sum(map(len, subject.data.labels))
    done = len(state.losses) * boxes if state else 0
    with context.progress(config.epochs * boxes, "boxes", done) as progress:

        def on_epoch(state: TuneState) -> None:
            write_bytes_atomic(checkpoint, save(state.to_tensors()))
            progress.say(f"loss {state.losses[-1]:.4f}, accuracy {state.accuracies[-1]:.3f}")

        tuner = Tuner(
            subject.teacher,
            subject.split.labelled,
            subject.prompts,
            subject.data,
            config,
            progress.advance,
        )
        return tuner.run(state, on_epoch).accuracies


def _norms(teacher: Teacher) -> dict[str, Tensor]:
    return norm_state(find_norm_layers(teacher, "both"))
