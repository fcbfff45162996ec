"""Writes one shelf of the browser: pictures, boxes, details and index of some photos."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from ezsd.cache.artifacts import Mined
from ezsd.cache.atomic import write_bytes_atomic
from ezsd.cache.index import PhotoTable
from ezsd.pipeline.data.photos import PhotoFolder
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.jobs.job import Job
from ezsd.stages.pages.proposals.layout import BrowsedPhoto, BrowserFolder, boxes_entry, index_entry, script
from ezsd.stages.pages.proposals.mined import PhotoProposals, read_proposals
from ezsd.stages.pages.proposals.neighbours import Answers
from ezsd.stages.pages.proposals.pictures import CropView, crop_sheet, thumbnail


@dataclass(frozen=True)
class WriteShelves(Job):
    """Writes the browser shelf by shelf; each photo is decoded once, and no more than a chunk is held.

    Args:
        rows: int64 (P,), rows of the shown photos in the training index, by position.
        best: proposals shown of a photo at most.
        views: how the teacher looked at a box.
        image_size: side of the teacher's crops in pixels.
        answers: None when there are no embeddings.
    """

    folder: BrowserFolder
    prepared: Path
    photos: PhotoFolder
    mined: Path
    rows: np.ndarray
    best: int
    views: Sequence[CropView]
    image_size: int
    answers: Answers | None

    label = "proposals"

    @property
    def shards(self) -> int:
        """Number of shelves."""
        return self.folder.shelves

    def size(self, shard: int) -> int:
        """Photos on a shelf."""
        return len(self.folder.shelf(shard))

    def is_done(self, shard: int) -> bool:
        """Whether an earlier run has written the shelf."""
        return self.folder.is_done(shard)

    def __call__(self, shard: int) -> dict[str, float]:
        """Returns how many proposals were shown."""
        mined, photos = Mined(self.mined), Prepared(self.prepared).train.photos
        index: list[BrowsedPhoto] = []
        for chunk, positions in self.folder.chunks(shard):
            rows = self.rows[positions]
            browsed = [
                _browsed(photos, row, proposals.best(self.best))
                for row, proposals in zip(rows.tolist(), read_proposals(mined, rows), strict=True)
            ]
            self._write_chunk(chunk, positions, browsed)
            index += browsed
        labels = {name: label for label, name in enumerate(mined.names)}
        _write(self.folder.index(shard), index_entry(index, labels))
        return {"proposals": sum(len(photo.proposals) for photo in index)}

    def _write_chunk(self, chunk: int, positions: range, photos: Sequence[BrowsedPhoto]) -> None:
        for position, photo in zip(positions, photos, strict=True):
            self._draw(position, photo)
        _write(self.folder.boxes(chunk), boxes_entry(photos))
        _write(self.folder.details(chunk), self._details(positions, photos))

    def _draw(self, position: int, photo: BrowsedPhoto) -> None:
        pixels: Tensor = self.photos.decode(photo.file_name, (photo.width, photo.height))
        write_bytes_atomic(self.folder.thumbnail(position), thumbnail(pixels))
        sheet = crop_sheet(pixels, photo.proposals.boxes_xyxy, self.views, self.image_size)
        write_bytes_atomic(self.folder.crops(position), sheet)

    def _details(self, positions: range, photos: Sequence[BrowsedPhoto]) -> list[object]:
        if self.answers is None:
            return []
        counts = [len(photo.proposals) for photo in photos]
        return self.answers.about(self.rows[positions], counts, positions)


def _browsed(photos: PhotoTable, row: int, proposals: PhotoProposals) -> BrowsedPhoto:
    width, height = photos.sizes_wh[row].tolist()
    return BrowsedPhoto(int(photos.image_ids[row]), photos.file_names[row], width, height, proposals)


def _write(path: Path, value: object) -> None:
    write_bytes_atomic(path, script(path.stem, value))
