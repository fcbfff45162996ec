"""Writes one shard of the browser: pictures, boxes, details and index of some photos."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2.functional import to_pil_image

from ezsd.cache.artifacts import Mined
from ezsd.cache.atomic import write_bytes_atomic
from ezsd.cache.index import PhotoTable
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import PhotoFolder
from ezsd.pipeline.jobs.job import Job
from ezsd.stages.pages.mined import PhotoProposals, read_proposals
from ezsd.stages.pages.proposals.neighbours import EmbeddingDetails
from ezsd.stages.pages.proposals.page import BrowserFolder, CropView, script
from ezsd.teacher.crops import square_crops

THUMBNAIL_SIDE = 384
LARGEST_TILE = 224
MOST_PROPOSALS = 16383 // LARGEST_TILE
"""A WebP picture has at most 16,383 rows of pixels, and the sheet a row of crops for each proposal."""

_QUALITY = 78
_EFFORT = 2  # of 0 to 6: four times as fast as the highest, for a tenth more bytes


@dataclass(frozen=True)
class BrowsedPhoto:
    """A training photo and its proposals that are shown; sizes in pixels."""

    image_id: int
    file_name: str
    width: int
    height: int
    proposals: PhotoProposals


@dataclass(frozen=True)
class WriteShards(Job):
    """Writes the browser shard by shard; each photo is decoded once, and one chunk at a time is in memory.

    Attributes:
        folder: to write to.
        prepared: folder of `prepare`.
        photos: the training photos.
        mined: folder of `mine`.
        rows: int64 (P,), rows of the shown photos in the training index, by position.
        best: proposals shown of a photo at most.
        views: crops that the teacher saw of each box.
        image_size: side of the teacher's crops in pixels.
        details: None without embeddings.
    """

    folder: BrowserFolder
    prepared: Path
    photos: PhotoFolder
    mined: Path
    rows: np.ndarray
    best: int
    views: Sequence[CropView]
    image_size: int
    details: EmbeddingDetails | None

    label = "proposals"

    @property
    def shards(self) -> int:
        """Number of shards."""
        return self.folder.shards

    def size(self, shard: int) -> int:
        """Photos of a shard."""
        return len(self.folder.positions(shard))

    def is_done(self, shard: int) -> bool:
        """Whether an earlier run has written the shard."""
        return self.folder.is_done(shard)

    def __call__(self, shard: int) -> dict[str, float]:
        """Write a shard; returns the number of proposals shown."""
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
        _write(self.folder.details(chunk), self._details_entry(positions, photos))

    def _draw(self, position: int, photo: BrowsedPhoto) -> None:
        pixels: Tensor = self.photos.decode(photo.file_name, (photo.width, photo.height))
        write_bytes_atomic(self.folder.thumbnail(position), thumbnail(pixels))
        sheet = crop_sheet(pixels, photo.proposals.boxes_xyxy, self.views, self.image_size)
        write_bytes_atomic(self.folder.crops(position), sheet)

    def _details_entry(self, positions: range, photos: Sequence[BrowsedPhoto]) -> list[object]:
        if self.details is None:
            return []
        counts = [len(photo.proposals) for photo in photos]
        return self.details.of_photos(self.rows[positions], counts, positions)


def index_entry(photos: Sequence[BrowsedPhoto], labels: Mapping[str, int]) -> dict[str, Any]:
    """Ids, and lists of labels and scores for each photo; `labels` gives the label of each name."""
    return {
        "ids": [photo.image_id for photo in photos],
        "labels": [[labels[name] for name in photo.proposals.names] for photo in photos],
        "scores": [_rounded(photo.proposals.scores, 4) for photo in photos],
    }


def boxes_entry(photos: Sequence[BrowsedPhoto]) -> list[dict[str, Any]]:
    """File, size in pixels, boxes (xyxy, tenths of pixels) and confidence of each photo."""
    return [
        {
            "file": photo.file_name,
            "size": [photo.width, photo.height],
            "boxes": [_rounded(box, 1) for box in photo.proposals.boxes_xyxy],
            "confidence": _rounded(photo.proposals.confidence, 3),
        }
        for photo in photos
    ]


def thumbnail(photo: Tensor) -> bytes:
    """WebP of a uint8 (3, H, W) photo, its long side at most `THUMBNAIL_SIDE`."""
    picture = to_pil_image(photo)
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BICUBIC)
    return _webp(picture)


def tile_side(image_size: int) -> int:
    """Side of a crop on the sheet in pixels: the teacher's, at most `LARGEST_TILE`."""
    return min(image_size, LARGEST_TILE)


def crop_sheet(photo: Tensor, boxes_xyxy: np.ndarray, views: Sequence[CropView], image_size: int) -> bytes:
    """WebP of a table of crops: a row for each box, a column for each view.

    Args:
        photo: uint8 (3, H, W).
        boxes_xyxy: (K, 4) pixels of the photo, K >= 1.
        views: V of them.
        image_size: side of the teacher's crops in pixels.
    """
    boxes = torch.from_numpy(boxes_xyxy)
    columns = [square_crops(photo, boxes, view.context_factor, image_size) for view in views]
    rows = torch.cat([torch.cat(list(column), dim=1) for column in columns], dim=2)
    sheet = to_pil_image(rows)
    side = tile_side(image_size)
    size = (side * len(views), side * len(boxes))
    return _webp(sheet if sheet.size == size else sheet.resize(size, Image.Resampling.BICUBIC))


def _browsed(photos: PhotoTable, row: int, proposals: PhotoProposals) -> BrowsedPhoto:
    width, height = photos.sizes_wh[row].tolist()
    return BrowsedPhoto(int(photos.image_ids[row]), photos.file_names[row], width, height, proposals)


def _write(path: Path, value: object) -> None:
    write_bytes_atomic(path, script(path.stem, value))


def _rounded(values: Any, digits: int) -> list[float]:
    return [round(float(value), digits) for value in values]


def _webp(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="WEBP", quality=_QUALITY, method=_EFFORT)
    return buffer.getvalue()
