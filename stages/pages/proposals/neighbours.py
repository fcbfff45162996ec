"""Nearest names and most similar proposals of each proposal, by the cached embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import normalize

from ezsd.cache.artifacts import Embedded, decode_embeddings
from ezsd.mining.score import name_probabilities

NAMES_SHOWN = 6
NEIGHBOURS_SHOWN = 6
POOL = 4096
"""Proposals among which neighbours are searched, at most; evenly spaced among all."""

_ROWS_AT_ONCE = 64

Neighbour = tuple[int, int, float]
"""Position of the photo, place of the proposal in it, cosine."""


@dataclass(frozen=True)
class Pool:
    """M proposals among which neighbours are searched.

    Attributes:
        embeddings: float16 (M, D), L2-normalised.
        positions: int64 (M,), photos in the browser.
        places: int64 (M,), of the proposal in its photo.
    """

    embeddings: np.ndarray
    positions: np.ndarray
    places: np.ndarray

    def nearest(self, embeddings: np.ndarray, position: int, wanted: int) -> list[list[Neighbour]]:
        """For each embedding, float32 (K, D), the most similar proposals of other photos, best first."""
        elsewhere = np.flatnonzero(self.positions != position)
        pool = torch.from_numpy(self.embeddings[elsewhere].astype(np.float32))
        cosines = normalize(torch.from_numpy(embeddings), dim=1) @ normalize(pool, dim=1).T
        best = cosines.topk(min(wanted, len(elsewhere)), dim=1)
        return [
            [
                (int(self.positions[member]), int(self.places[member]), round(min(cosine, 1.0), 3))
                for member, cosine in zip(elsewhere[members], values, strict=True)
            ]
            for members, values in zip(best.indices.numpy(), best.values.tolist(), strict=True)
        ]


def gather_pool(embedded: Embedded, rows: np.ndarray, counts: np.ndarray, size: int = POOL) -> Pool:
    """Read `size` proposals, evenly spaced among all that are shown, or all if they are fewer.

    Args:
        embedded: of the same photos.
        rows: int64 (P,), rows of the shown photos in the training index.
        counts: int64 (P,), proposals shown of each.
        size: of the pool at most.
    """
    ends = counts.cumsum()
    total = int(ends[-1]) if len(ends) else 0
    size = min(size, total)
    chosen = np.arange(size) * total // max(size, 1)
    positions = np.searchsorted(ends, chosen, side="right")
    places = chosen - (ends - counts)[positions]
    parts = [
        _pick(embedded, rows, positions[start : start + _ROWS_AT_ONCE], places[start : start + _ROWS_AT_ONCE])
        for start in range(0, size, _ROWS_AT_ONCE)
    ]
    dim = embedded.store.spec("embeddings").shape[1]
    return Pool(np.concatenate([np.empty((0, dim), np.float16), *parts]), positions, places)


def _pick(embedded: Embedded, rows: np.ndarray, positions: np.ndarray, places: np.ndarray) -> np.ndarray:
    photos, inverse = np.unique(positions, return_inverse=True)
    embeddings = read_embeddings(embedded, rows[photos])
    return embeddings[inverse, places].astype(np.float16)


def read_embeddings(embedded: Embedded, rows: np.ndarray | Sequence[int]) -> np.ndarray:
    """Read all stored proposals of some photos: float32 (len(rows), K, D)."""
    int8 = embedded.store.spec("embeddings").dtype == "int8"
    arrays = ("embeddings", "embeddings_scales") if int8 else ("embeddings",)
    return decode_embeddings("embeddings", {name: embedded.store.read(name, rows) for name in arrays})


@dataclass(frozen=True)
class EmbeddingDetails:
    """What the browser shows of a proposal's embedding; picklable.

    Attributes:
        embedded: folder of `embed`.
        text: float32 (C, D), L2-normalised text embeddings of mining's names.
        logit_scale: the teacher's factor on cosines.
        pool: among which neighbours are searched.
    """

    embedded: Path
    text: np.ndarray
    logit_scale: float
    pool: Pool

    def of_photos(self, rows: np.ndarray, counts: Sequence[int], positions: Sequence[int]) -> list[Any]:
        """For each photo a list of its proposals' `names` [[label, probability]] and `near` (`Neighbour`).

        Args:
            rows: of the photos in the training index.
            counts: proposals shown of each.
            positions: of the photos in the browser.
        """
        stored = read_embeddings(Embedded(self.embedded), rows)
        return [
            self._photo(embeddings[:count], position)
            for embeddings, count, position in zip(stored, counts, positions, strict=True)
        ]

    def _photo(self, embeddings: np.ndarray, position: int) -> list[dict[str, Any]]:
        near = self.pool.nearest(embeddings, position, NEIGHBOURS_SHOWN)
        names = nearest_names(embeddings, self.text, self.logit_scale)
        return [{"names": likely, "near": similar} for likely, similar in zip(names, near, strict=True)]


def nearest_names(
    embeddings: np.ndarray, text: np.ndarray, logit_scale: float
) -> list[list[tuple[int, float]]]:
    """The most probable names of each embedding.

    Args:
        embeddings: float32 (K, D), L2-normalised.
        text: float32 (C, D), L2-normalised.
        logit_scale: the teacher's factor on cosines.

    Returns:
        K lists of label and probability, best first.
    """
    probabilities = name_probabilities(torch.from_numpy(embeddings), torch.from_numpy(text), logit_scale)
    best = probabilities.topk(min(NAMES_SHOWN, len(text)), dim=1)
    return [
        [(label, round(probability, 4)) for label, probability in zip(labels, values, strict=True)]
        for labels, values in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]
