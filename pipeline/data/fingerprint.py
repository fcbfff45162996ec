"""What of a user's data decides the bytes of every artifact: photos and base boxes, wherever they lie."""

import hashlib

import numpy as np

from ezsd.pipeline.data.photos import PhotoFolder
from ezsd.pipeline.data.segmentations import segmentation_digests
from ezsd.pipeline.data.sources import DataSources, TrainingData, clean_training_boxes, read_validation_photos
from ezsd.pipeline.data.tables import Boxes, Photos
from ezsd.split import Split


def data_digests(sources: DataSources, training: TrainingData) -> dict[str, str]:
    """Return SHA-256 digests of the split and of what training and validation may see of the data.

    Photos enter by name, declared size and bytes on disk, not by content, which would take minutes to read.
    Neither novel boxes (but shots) nor where the data lie nor the order of a file's rows make a difference.
    Raises DataError for data that cannot be used.
    """
    val_photos = read_validation_photos(sources, training.split)
    return {
        **split_digest(training.split),
        "train_photos": _photos_digest(training.photos, sources.train.folder()),
        "train_boxes": _boxes_digest(training.boxes),
        "val_photos": _photos_digest(val_photos, sources.val.folder()),
    }


def split_digest(split: Split) -> dict[str, str]:
    """Return the digest of the names on both sides, in their order."""
    names = "\n".join([*split.base, "", *split.novel])
    return {"split": hashlib.sha256(names.encode()).hexdigest()}


def masks_digest(sources: DataSources, training: TrainingData) -> dict[str, str]:
    """Return the digest of the masks of the boxes that training may see, as the file writes them.

    Raises DataError when the data set has no masks by its format.
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
