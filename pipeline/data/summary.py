"""What the manifest of `prepare` says of the data; it counts base boxes only."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cache.index import DatasetIndex
from pipeline.data.cleaning import Finding
from pipeline.data.sources import TrainingData


def counts_of(train: DatasetIndex, val: DatasetIndex, quarantine: Sequence[Finding]) -> dict[str, int]:
    """Return rows by kind."""
    return {
        "train_photos": len(train),
        "val_photos": len(val),
        "base_boxes": len(train.boxes),
        "quarantined_photos": sum(finding.what == "photo" for finding in quarantine),
        "quarantined_boxes": sum(finding.what == "box" for finding in quarantine),
    }


def facts_of(training: TrainingData, train: DatasetIndex, clipped: int) -> dict[str, Any]:
    """Return what a reader of the manifest wants to know of the training data."""
    per_photo = np.diff(train.boxes.offsets)
    per_name = np.bincount(train.boxes.labels, minlength=len(training.split.base))
    return {
        "split": training.split.name,
        "base_boxes_by_name": dict(zip(training.split.base, per_name.tolist(), strict=True)),
        "crowd_boxes": int(train.boxes.crowd.sum()),
        "clipped_boxes": clipped,
        "train_photos_listed": len(training.photos),
        "train_photos_without_base_boxes": int((per_photo == 0).sum()),
    }
