"""Pseudo boxes as `inspect` shows them: how many of each name, how likely, and those of one photo."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ezsd.cache.pseudo_file import FILE, NO_NAME, read_pseudo
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.runner import artifact_folder
from ezsd.stages.pages.mined import Histogram, PhotoProposals

BINS = 20
NAMELESS = "(no name)"


def describe_pseudo_boxes(folder: Path) -> dict[str, Any]:
    """Histogram of the calibrated probabilities, and the number of boxes of each name, most first."""
    table, root = read_pseudo(folder / FILE), folder.parent.parent
    counts = np.histogram(table.confidence, BINS, (0.0, 1.0))[0]
    return {
        "confidence": asdict(Histogram(counts.tolist(), 0.0, 1.0)),
        "names": dict(Counter(_names(root, table.labels)).most_common()),
    }


def read_photo_pseudo_boxes(root: Path, row: int) -> PhotoProposals:
    """Pseudo boxes of the photo in a row of the training index; their score is their probability."""
    table = read_pseudo(artifact_folder(root, "pseudo") / FILE)
    rows = table.rows_of(row)
    confidence = table.confidence[rows]
    return PhotoProposals(table.boxes_xyxy[rows], confidence, _names(root, table.labels[rows]), confidence)


def _names(root: Path, labels: np.ndarray) -> list[str]:
    names = Prepared(artifact_folder(root, "prepare")).split.names
    return [NAMELESS if label == NO_NAME else names[label] for label in labels.tolist()]
