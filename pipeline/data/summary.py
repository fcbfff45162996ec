"""What the manifest of `prepare` says of the data; it counts the boxes that training sees."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ezsd.cache.index import DatasetIndex
from ezsd.pipeline.data.cleaning import Finding
from ezsd.pipeline.data.sources import TrainingData
from ezsd.split import Split


def counts_of(
    split: Split, train: DatasetIndex, val: DatasetIndex, quarantine: Sequence[Finding]
) -> dict[str, int]:
    """Return rows by kind."""
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
    """Return what a reader of the manifest wants to know of the training data."""
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
