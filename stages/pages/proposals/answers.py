"""What the cached embeddings tell of a proposal: which names are nearest, and which other proposals."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ezsd.cache.artifacts import Embedded
from ezsd.mining.score import name_probabilities
from ezsd.stages.pages.proposals.neighbours import Pool, read_embeddings

NAMES_SHOWN = 6
NEIGHBOURS_SHOWN = 6


@dataclass(frozen=True)
class Answers:
    """Travels to workers.

    Args:
        embedded: the folder of `embed`.
        text: float32 (C, D), L2-normalised embeddings of the names that competed in mining.
        logit_scale: the teacher's factor on cosines.
        pool: where neighbours are looked for.
    """

    embedded: Path
    text: np.ndarray
    logit_scale: float
    pool: Pool

    def about(self, rows: np.ndarray, counts: Sequence[int], positions: Sequence[int]) -> list[Any]:
        """For each photo a list of its proposals' `names` [[label, probability]] and `near` (`Neighbour`).

        Args:
            rows: of the photos in the training index. counts: how many proposals of each are shown.
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
        return [{"names": said, "near": alike} for said, alike in zip(names, near, strict=True)]


def nearest_names(
    embeddings: np.ndarray, text: np.ndarray, logit_scale: float
) -> list[list[tuple[int, float]]]:
    """The likeliest names of each embedding, float32 (K, D): label and probability, best first."""
    probabilities = name_probabilities(torch.from_numpy(embeddings), torch.from_numpy(text), logit_scale)
    best = probabilities.topk(min(NAMES_SHOWN, len(text)), dim=1)
    return [
        [(label, round(probability, 4)) for label, probability in zip(labels, values, strict=True)]
        for labels, values in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]
