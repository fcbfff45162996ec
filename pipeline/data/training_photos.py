"""The one reader of training photos: pixels, base boxes, and what is to be done about crowd regions."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ezsd.cache.index import DatasetIndex
from ezsd.pipeline.data.photos import PhotoFolder
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.stage import StageContext


@dataclass(frozen=True)
class TrainingPhotos:
    """Training photos and their base boxes by row of the index; with shots, novel boxes are among these.

    A crowd region is a heap of objects that nobody marked one by one. No such region is learned from: it is
    no box of one object. For mining it counts all the same, see :meth:`occupied_xyxy`.

    Attributes:
        prepared: the artifact that lists them.
        folder: reads their files.
    """

    prepared: Prepared
    folder: PhotoFolder

    def __len__(self) -> int:
        return len(self.index)

    @property
    def index(self) -> DatasetIndex:
        """Read once a process."""
        return self.prepared.train

    def photo(self, row: int) -> Tensor:
        """uint8 RGB `(3, H, W)`. Raises PhotoFileError when the file is missing or corrupt."""
        height, width = self.size_hw(row)
        return self.folder.decode(self.index.photos.file_names[row], (width, height))

    def size_hw(self, row: int) -> tuple[int, int]:
        """Height and width in pixels, without a look at the file."""
        width, height = self.index.photos.sizes_wh[row].tolist()
        return height, width

    def objects_xyxy(self, row: int) -> Tensor:
        """float32 `(M, 4)`, pixels of the photo: base boxes without crowd regions."""
        return torch.from_numpy(self.index.objects_of(row).boxes_xyxy)

    def labels(self, row: int) -> Tensor:
        """int64 `(M,)` of :meth:`objects_xyxy`, index into `split.labelled`."""
        return torch.from_numpy(self.index.objects_of(row).labels.astype(np.int64))

    def occupied_xyxy(self, row: int) -> Tensor:
        """float32 `(N, 4)`, pixels of the photo: base boxes and crowd regions, where nothing novel is mined.

        The paper drops proposals on ground truth of base names, because what is there has a name already. A
        crowd region shows base objects too, so a proposal that overlaps one says nothing new either.
        """
        return torch.from_numpy(self.index.boxes_of(row).boxes_xyxy)


def open_training_photos(context: StageContext) -> TrainingPhotos:
    """Those that `prepare` has checked."""
    prepared = Prepared(context.parent("prepare"))
    sources = resolve_sources(context.params.data, context.root, prepared.folder)
    return TrainingPhotos(prepared, sources.train.folder())
