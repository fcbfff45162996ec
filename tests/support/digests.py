"""Digests of photos, for an index that is made by hand."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ezsd.pipeline.data.sources import photo_digest


def digests_of(paths: Iterable[Path]) -> np.ndarray:
    """`PhotoTable.digests` of these files, uint8 (N, 16)."""
    return np.array([list(photo_digest(path.read_bytes())) for path in paths], np.uint8)
