"""Mined proposals as the pages show them: those of one photo, and histograms of all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ezsd.cache.artifacts import Mined
from ezsd.mining.score import highest_score
from ezsd.stages.pages.drawing import caption, draw_proposals


@dataclass(frozen=True)
class PhotoProposals:
    """Proposals of one photo, best first.

    Attributes:
        boxes_xyxy: float32 (K, 4), pixels of the photo.
        scores: float32 (K,), of the kind `Mined.score`.
        names: K predicted names.
        confidence: float32 (K,), probability of the predicted name; the weight in the distillation.
    """

    boxes_xyxy: np.ndarray
    scores: np.ndarray
    names: Sequence[str]
    confidence: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def best(self, most: int) -> "PhotoProposals":
        """The best `most` of them."""
        return PhotoProposals(
            self.boxes_xyxy[:most], self.scores[:most], self.names[:most], self.confidence[:most]
        )


@dataclass(frozen=True)
class Histogram:
    """Counts in bins of equal width from `low` to `high`."""

    counts: Sequence[int]
    low: float
    high: float


def read_photo_proposals(mined: Mined, row: int) -> PhotoProposals:
    """Read the proposals of the photo in a row of the training index."""
    return read_proposals(mined, [row])[0]


def read_proposals(mined: Mined, rows: Sequence[int] | np.ndarray) -> list[PhotoProposals]:
    """Read the proposals of the photos in some rows of the training index."""
    values = [
        mined.store.read(name, rows) for name in ("count", "boxes_xyxy", "scores", "labels", "confidence")
    ]
    return [
        PhotoProposals(
            boxes_xyxy[:count],
            scores[:count],
            [mined.names[label] for label in labels[:count]],
            confidence[:count],
        )
        for count, boxes_xyxy, scores, labels, confidence in zip(*values, strict=True)
    ]


def draw_photo_proposals(photo: Tensor, proposals: PhotoProposals, best: int, long_side: int) -> Image.Image:
    """Draw the best proposals with names and scores on their photo, uint8 (3, H, W)."""
    return draw_proposals(
        photo,
        torch.from_numpy(proposals.boxes_xyxy[:best]),
        torch.from_numpy(proposals.scores[:best]),
        [caption(*pair) for pair in zip(proposals.names[:best], proposals.scores[:best], strict=True)],
        long_side,
    )


def score_histogram(mined: Mined, bins: int) -> Histogram:
    """Scores of all proposals, over the whole range of the score."""
    return _histogram(mined, "scores", highest_score(mined.score, len(mined.names)), bins)


def confidence_histogram(mined: Mined, bins: int) -> Histogram:
    """Confidence of all proposals, from 0 to 1."""
    return _histogram(mined, "confidence", 1.0, bins)


def count_names(mined: Mined) -> Counter[str]:
    """How many proposals have each predicted name."""
    counts: Counter[str] = Counter()
    for shard in range(mined.store.shards):
        rows = mined.store.read_shard(shard, ["count", "labels"])
        stored = np.arange(rows["labels"].shape[1]) < rows["count"][:, None]
        counts.update(mined.names[label] for label in rows["labels"][stored].tolist())
    return counts


def _histogram(mined: Mined, array: str, high: float, bins: int) -> Histogram:
    counts = np.zeros(bins, np.int64)
    for shard in range(mined.store.shards):
        rows = mined.store.read_shard(shard, ["count", array])
        stored = np.arange(rows[array].shape[1]) < rows["count"][:, None]
        values = np.clip(rows[array][stored], 0, high)  # rounding may push a score past ln C
        counts += np.histogram(values, bins, (0.0, high))[0]
    return Histogram(counts.tolist(), 0.0, high)
