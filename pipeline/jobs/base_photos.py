"""Base boxes of the training photos as crops, for `renorm`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ezsd.boxes import box_area
from ezsd.cache.index import DatasetIndex
from ezsd.pipeline.data.photos import PhotoFolder
from ezsd.renorm.config import RenormConfig
from ezsd.renorm.labelled_crops import LabelledCrops, RememberedCrops
from ezsd.teacher.crops import square_crops
from ezsd.teacher.prefetch import compute_ahead

LOOK = "renorm: measure boxes"
SAMPLE_BOXES = 2048
"""Boxes that statistics and accuracy are measured on."""

MAX_BYTES = 2 << 30
"""Crops that are kept in memory, so that epochs need not decode their photos again."""


@dataclass(frozen=True)
class BasePhotos:
    """Photos with at least one base box that is no crowd region; numbered from 0 in the index's order.

    Their crops are cut by `threads` threads while the teacher looks at earlier ones.
    """

    index: DatasetIndex
    folder: PhotoFolder
    crop_size: int
    config: RenormConfig
    threads: int

    def labelled_crops(self) -> LabelledCrops:
        """Labels and sizes now, crops when they are asked for."""
        labels = [torch.from_numpy(self._boxes(row)[1].astype(np.int64)) for row in self._rows]
        areas = [self._relative_areas(row) for row in self._rows]
        return LabelledCrops(labels, areas, RememberedCrops(self._cut, MAX_BYTES), self.threads)

    def whole(self, photos: Sequence[int]) -> Tensor:
        """Centre squares of photos, uint8 `(P, 3, S, S)`, as a CLIP is used to see them."""
        return torch.cat(list(compute_ahead(self._cut_centre, photos, self.threads)))

    @cached_property
    def _rows(self) -> list[int]:
        return [row for row in range(len(self.index)) if not self.index.boxes_of(row).crowd.all()]

    def _cut(self, photo: int) -> Tensor:
        row = self._rows[photo]
        boxes_xyxy = torch.from_numpy(self._boxes(row)[0])
        context_factor, min_side = self.config.context_factor, self.config.min_side
        return square_crops(self._decode(row), boxes_xyxy, context_factor, self.crop_size, min_side)

    def _cut_centre(self, number: int) -> Tensor:
        photo = self._decode(self._rows[number])
        height, width = photo.shape[1:]
        side = min(height, width)
        left, top = (width - side) / 2, (height - side) / 2
        return square_crops(photo, torch.tensor([[left, top, left + side, top + side]]), 1.0, self.crop_size)

    def _boxes(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        boxes = self.index.boxes_of(row)
        return boxes.boxes_xyxy[~boxes.crowd], boxes.labels[~boxes.crowd]

    def _relative_areas(self, row: int) -> Tensor:
        width, height = self.index.photos.sizes_wh[row].tolist()
        return box_area(torch.from_numpy(self._boxes(row)[0])) / (width * height)

    def _decode(self, row: int) -> Tensor:
        width, height = self.index.photos.sizes_wh[row].tolist()
        return self.folder.decode(self.index.photos.file_names[row], (width, height))
