"""Digests of photos, boxes, masks and names: what the fingerprints hold of a data set."""

import hashlib
from collections.abc import Sequence

import numpy as np

from ezsd.pipeline.data.sources import DataSource, DataSources, PhotoFolder
from ezsd.pipeline.data.tables import Boxes, Photos
from ezsd.pipeline.data.views import FullAnnotations, TrainingData, read_validation_photos
from ezsd.split import Split


def data_digests(sources: DataSources, training: TrainingData) -> dict[str, str]:
    """Return SHA-256 digests of the split and of what training and validation may see of the data.

    A photo counts by name, declared size and bytes on disk; reading its content would take minutes. Novel
    boxes other than shots, the folders' paths and the order of a file's rows make no difference.

    Raises:
        DataError: the data cannot be used.
    """
    val_photos = read_validation_photos(sources, training.split)
    return {
        **split_digest(training.split),
        "train_photos": _photos_digest(training.photos, sources.train.folder()),
        "train_boxes": _boxes_digest(training.boxes),
        "val_photos": _photos_digest(val_photos, sources.val.folder()),
    }


def split_digest(split: Split) -> dict[str, str]:
    """Return the digest of the base and novel names, in their order."""
    names = "\n".join([*split.base, "", *split.novel])
    return {"split": hashlib.sha256(names.encode()).hexdigest()}


def masks_digest(source: DataSource, boxes: Boxes, photos: Photos, names: Sequence[str]) -> str:
    """Return the digest of the boxes' masks, as the file states them.

    Args:
        source: the data set.
        boxes: the boxes whose masks count.
        photos: their photos.
        names: the names that the labels index.

    Raises:
        DataError: the format has no masks.
    """
    from ezsd.pipeline.data.segmentations import (
        segmentation_digests,  # pycocotools: only where there are masks
    )

    found = segmentation_digests(source, boxes, photos, names)
    digest = hashlib.sha256()
    for number in sorted(found):
        digest.update(f"{number} ".encode() + found[number])
    return digest.hexdigest()


def annotations_digest(full: FullAnnotations) -> str:
    """Return the digest of all that evaluation reads of a file, novel boxes included, except masks."""
    digest = hashlib.sha256(_boxes_digest(full.clean.boxes).encode())
    rows = zip(full.photos.ids.tolist(), full.photos.sizes_wh.tolist(), full.photos.file_names, strict=True)
    for facts in (sorted(rows), sorted(full.categories.items()), sorted(full.searched.items())):
        digest.update(repr(facts).encode())
    return digest.hexdigest()


def _photos_digest(photos: Photos, folder: PhotoFolder) -> str:
    digest = hashlib.sha256()
    for row in np.argsort(photos.ids):
        name = photos.file_names[row]
        digest.update(
            f"{photos.ids[row]} {photos.sizes_wh[row].tolist()} {folder.byte_size(name)} {name}\0".encode()
        )
    return digest.hexdigest()


def _boxes_digest(boxes: Boxes) -> str:
    digest = hashlib.sha256()
    ordered = boxes.take(np.argsort(boxes.annotation_ids))
    for column in (
        ordered.annotation_ids,
        ordered.image_ids,
        ordered.labels,
        ordered.boxes_xyxy,
        ordered.areas,
        ordered.crowd,
    ):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()
