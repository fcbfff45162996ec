"""What the manifest of `prepare` records of the data: digests for the fingerprint, counts and facts."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ezsd.cache.index import DatasetIndex
from ezsd.pipeline.data.checks import Finding
from ezsd.pipeline.data.segmentations import segmentation_digests
from ezsd.pipeline.data.sources import DataSources, PhotoFolder
from ezsd.pipeline.data.tables import Boxes, Photos
from ezsd.pipeline.data.views import TrainingData, clean_training_boxes, read_validation_photos
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


def masks_digest(sources: DataSources, training: TrainingData) -> dict[str, str]:
    """Return the digest of the masks that training may see, as the file states them.

    Raises:
        DataError: the format has no masks.
    """
    boxes = clean_training_boxes(training).boxes
    found = segmentation_digests(sources.train, boxes, training.photos, training.split.labelled)
    digest = hashlib.sha256()
    for number in sorted(found):
        digest.update(f"{number} ".encode() + found[number])
    return {"train_masks": digest.hexdigest()}


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


def counts_of(
    split: Split, train: DatasetIndex, val: DatasetIndex, quarantine: Sequence[Finding]
) -> dict[str, int]:
    """Return the numbers of photos and boxes; boxes are those that training sees."""
    base = int((train.boxes.labels < len(split.base)).sum())
    shots = {"novel_boxes": len(train.boxes) - base} if split.shots else {}
    return {
        "train_photos": len(train),
        "val_photos": len(val),
        "base_boxes": base,
        **shots,
        "quarantined_photos": sum(finding.what == "photo" for finding in quarantine),
        "quarantined_boxes": sum(finding.what == "box" for finding in quarantine),
    }


def facts_of(training: TrainingData, train: DatasetIndex, clipped: int) -> dict[str, Any]:
    """Return facts of the training data for readers of the manifest; `clipped` boxes were clipped."""
    per_photo = np.diff(train.boxes.offsets)
    split = training.split
    per_name = np.bincount(train.boxes.labels, minlength=len(split.names)).tolist()
    shots = dict(zip(split.novel, per_name[len(split.base) :], strict=True))
    return {
        "split": split.name,
        "base_boxes_by_name": dict(zip(split.base, per_name, strict=False)),
        **({"novel_boxes_by_name": shots} if split.shots else {}),
        "crowd_boxes": int(train.boxes.crowd.sum()),
        "clipped_boxes": clipped,
        "train_photos_listed": len(training.photos),
        "train_photos_without_base_boxes": int((per_photo == 0).sum()),
    }
