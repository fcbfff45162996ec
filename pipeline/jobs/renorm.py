"""The work of `renorm`: tunes the teacher on crops of base boxes, and records the change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ezsd.boxes import box_area
from ezsd.cache.renorm_file import NormLayerRecord, RenormRecord
from ezsd.pipeline.data.training_photos import TrainingPhotos, open_training_photos
from ezsd.pipeline.device import choose_device, loader_workers
from ezsd.pipeline.models.teacher import prompts_of
from ezsd.pipeline.models.teacher_source import resolve_teacher
from ezsd.pipeline.stage import StageContext
from ezsd.pipeline.tensor_files import Checkpoint
from ezsd.renorm.config import RenormConfig
from ezsd.renorm.labelled_crops import LabelledCrops, Piece, RememberedCrops, compute_ahead
from ezsd.renorm.measure import DomainStatistics, measure_domain
from ezsd.renorm.norm_layers import find_norm_layers, norm_state
from ezsd.renorm.statistics import renormalize_by_statistics
from ezsd.renorm.tune import Tuner, TuneState
from ezsd.split import Split
from ezsd.teacher.crops import square_crops
from ezsd.teacher.load import load_teacher
from ezsd.teacher.name_embeddings import embed_names
from ezsd.teacher.prompts import Prompts
from ezsd.teacher.protocol import Teacher

MEASURE = "renorm: measure boxes"
SAMPLE_BOXES = 2048
"""Number of boxes that statistics and accuracy are measured on."""

SAMPLE_PICTURES = 256
"""Number of whole photos, and of boxes, that the training-free method uses."""

MAX_BYTES = 2 << 30
"""Memory for crops, so that later epochs need not decode their photos again."""


@dataclass(frozen=True)
class BasePhotos:
    """Photos with at least one base box, as crops; numbered from 0 in the index's order.

    `threads` threads cut crops while the teacher encodes earlier ones.
    """

    photos: TrainingPhotos
    crop_size: int
    config: RenormConfig
    threads: int

    def labelled_crops(self) -> LabelledCrops:
        """Labels and relative areas of all boxes; crops are cut on demand."""
        labels = [self.photos.labels(row) for row in self._rows]
        areas = [self._relative_areas(row) for row in self._rows]
        return LabelledCrops(labels, areas, RememberedCrops(self._cut, MAX_BYTES), self.threads)

    def whole(self, numbers: Sequence[int]) -> Tensor:
        """Centre squares of photos, uint8 `(P, 3, S, S)`, as in CLIP's own preprocessing."""
        return torch.cat(list(compute_ahead(self._cut_centre, numbers, self.threads)))

    @cached_property
    def _rows(self) -> list[int]:
        rows: list[int] = self.photos.index.rows_with_objects().tolist()
        return rows

    def _cut(self, piece: Piece) -> Tensor:
        row, config = self._rows[piece.photo], self.config
        boxes_xyxy = self.photos.objects_xyxy(row)[piece.start : piece.stop]
        return square_crops(
            self.photos.photo(row), boxes_xyxy, config.context_factor, self.crop_size, config.min_side
        )

    def _cut_centre(self, number: int) -> Tensor:
        photo = self.photos.photo(self._rows[number])
        height, width = photo.shape[1:]
        side = min(height, width)
        left, top = (width - side) / 2, (height - side) / 2
        return square_crops(photo, torch.tensor([[left, top, left + side, top + side]]), 1.0, self.crop_size)

    def _relative_areas(self, row: int) -> Tensor:
        height, width = self.photos.size_hw(row)
        return box_area(self.photos.objects_xyxy(row)) / (width * height)


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

    def renormalize(self) -> tuple[float, ...]:
        """Re-normalize the teacher; return its accuracy on the training boxes in each epoch of tuning."""
        method, seed = self.context.params.renorm.method, self.context.params.renorm.seed
        if method == "tune":
            return self._tune()
        if method == "statistics":
            sample = self.data.sample(SAMPLE_PICTURES, seed)[:SAMPLE_PICTURES]
            boxes, _ = next(self.data.batches(sample, SAMPLE_PICTURES))
            renormalize_by_statistics(self.teacher, self.photos.whole(sample), boxes[:SAMPLE_PICTURES])
        return ()

    def _tune(self) -> tuple[float, ...]:
        config, checkpoint = self.context.params.renorm, Checkpoint(self.context)
        tensors = checkpoint.read()
        state = TuneState.from_tensors(tensors) if tensors else None
        boxes = sum(map(len, self.data.labels))
        done = len(state.losses) * boxes if state else 0
        with self.context.progress(config.epochs * boxes, "boxes", done) as progress:

            def on_epoch(state: TuneState) -> None:
                checkpoint.save(state.to_tensors())
                progress.say(f"loss {state.losses[-1]:.4f}, accuracy {state.accuracies[-1]:.3f}")

            tuner = Tuner(
                self.teacher, self.split.labelled, self.prompts, self.data, config, progress.advance
            )
            return tuner.run(state, on_epoch).accuracies


def open_subject(context: StageContext) -> Subject:
    """The raw teacher on its device, and the base boxes of the training photos."""
    params, photos = context.params, open_training_photos(context)
    device = choose_device(params.run)
    teacher = load_teacher(resolve_teacher(params.teacher, context.root)).to(device)
    base = BasePhotos(photos, teacher.image_size, params.renorm, max(1, loader_workers(device)))
    split, prompts = photos.prepared.split, prompts_of(params.teacher)
    return Subject(context, teacher, prompts, split, base, base.labelled_crops())


def make_record(
    before: View, after: View, split: Split, accuracy: Sequence[float], teacher: Mapping[str, Any]
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
        base_accuracy=np.array(accuracy, dtype=np.float32),
        teacher=teacher,
        protocol=split.protocol("strict"),
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
