"""Crops of the base boxes of training photos, for re-normalization."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ezsd.boxes import box_area
from ezsd.pipeline.data.training_photos import TrainingPhotos
from ezsd.renorm.config import RenormConfig
from ezsd.renorm.labelled_crops import LabelledCrops, Piece, RememberedCrops, compute_ahead
from ezsd.teacher.crops import centre_square, square_crops

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
        return centre_square(self.photos.photo(self._rows[number]), self.crop_size)

    def _relative_areas(self, row: int) -> Tensor:
        height, width = self.photos.size_hw(row)
        return box_area(self.photos.objects_xyxy(row)) / (width * height)
