"""A map of proposals: similar embeddings are near each other."""

from typing import Any

import numpy as np
import torch

from ezsd.pipeline.device import one_thread
from ezsd.stages.pages.proposals.neighbours import Pool

WIDTH, HEIGHT = 1000, 750
"""Of the map, in its own units."""

_MARGIN = 40


def map_entry(pool: Pool) -> dict[str, Any]:
    """What the page draws: `positions` and `places` of the pool's proposals, and `x` and `y` on the map.

    `share` is the part of the embeddings' variance that the two axes hold, from 0 to 1.
    """
    plane, share = principal_plane(pool.embeddings)
    x, y = fit(plane).T.tolist()
    return {
        "positions": pool.positions.tolist(),
        "places": pool.places.tolist(),
        "x": x,
        "y": y,
        "share": round(share, 3),
    }


def principal_plane(embeddings: np.ndarray) -> tuple[np.ndarray, float]:
    """The first two principal components of each embedding.

    Args:
        embeddings: (M, D), D >= 2.

    Returns:
        float64 (M, 2), the wider axis first, and the share of the variance on these axes, 1 without variance.
        An axis points to where its component of largest size is positive, so that the result is unique.
    """
    with one_thread():
        centred = torch.from_numpy(embeddings.astype(np.float64))
        centred = centred - centred.mean(dim=0)
        variances, axes = torch.linalg.eigh(centred.T @ centred)
        axes = axes[:, -2:].flip(dims=[1])
        axes = axes * axes.gather(0, axes.abs().argmax(dim=0)[None]).sign()
        plane = centred @ axes
    total = float(variances.sum())
    return plane.numpy(), float(variances[-2:].sum()) / total if total > 0 else 1.0


def fit(plane: np.ndarray) -> np.ndarray:
    """Move and scale points (M, 2) to fill the map, both axes alike; int64 (M, 2), y downwards."""
    low, high = plane.min(axis=0), plane.max(axis=0)
    room = np.array([WIDTH, HEIGHT]) - 2 * _MARGIN
    span = high - low
    scale = min((side / wide for side, wide in zip(room, span, strict=True) if wide > 0), default=1.0)
    centred = (plane - (low + high) / 2) * scale * (1, -1)
    fitted: np.ndarray = np.rint(centred + np.array([WIDTH, HEIGHT]) / 2).astype(np.int64)
    return fitted
