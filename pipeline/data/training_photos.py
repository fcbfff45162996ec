"""The one reader of training photos: pixels, base boxes, and how crowd regions are handled."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ezsd.cache.index import DatasetIndex
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import PhotoFolder, resolve_sources
from ezsd.pipeline.stage import StageContext


@dataclass(frozen=True)
class TrainingPhotos:
    """Training photos and base boxes by row of the index; with shots, novel boxes too.

    A crowd region holds objects without boxes of their own, so nothing is trained on it. Mining still needs
    it, see `occupied_xyxy`.

    Attributes:
        prepared: the artifact with the index.
        folder: reads the files.
    """

    prepared: Prepared
    folder: PhotoFolder

    def __len__(self) -> int:
        return len(self.index)

    @property
    def index(self) -> DatasetIndex:
        """The index, read once in a process."""
        return self.prepared.train

    def photo(self, row: int) -> Tensor:
        """Return uint8 RGB `(3, H, W)`; raises PhotoFileError if the file is not as `prepare` found it."""
        photos, (height, width) = self.index.photos, self.size_hw(row)
        return self.folder.decode_unchanged(
            photos.file_names[row], (width, height), photos.digests[row].tobytes()
        )

    def size_hw(self, row: int) -> tuple[int, int]:
        """Return height and width in pixels, from the index."""
        width, height = self.index.photos.sizes_wh[row].tolist()
        return height, width

    def objects_xyxy(self, row: int) -> Tensor:
        """Return base boxes without crowd regions, `(M, 4)` float32, in pixels of the photo."""
        return torch.from_numpy(self.index.objects_of(row).boxes_xyxy)

    def labels(self, row: int) -> Tensor:
        """Return the labels of `objects_xyxy`, `(M,)` int64, index into `split.labelled`."""
        return torch.from_numpy(self.index.objects_of(row).labels.astype(np.int64))

    def occupied_xyxy(self, row: int) -> Tensor:
        """Return base boxes and crowd regions, `(N, 4)` float32, in pixels; nothing is mined there.

        The paper drops proposals on base ground truth, because those objects have a name already. A crowd
        region shows base objects too.
        """
        return torch.from_numpy(self.index.boxes_of(row).boxes_xyxy)


def open_training_photos(context: StageContext) -> TrainingPhotos:
    """Open the photos that `prepare` checked."""
    prepared = Prepared(context.parent("prepare"))
    sources = resolve_sources(context.params.data, context.root, prepared.folder)
    return TrainingPhotos(prepared, sources.train.folder())
