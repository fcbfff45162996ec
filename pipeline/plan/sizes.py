"""What each stage leaves on the disk, at most."""

import math
from collections.abc import Mapping

import numpy as np

from ezsd.cache.artifacts import embedding_specs, mined_arrays
from ezsd.cache.layout import ArraySpec
from ezsd.pipeline.params import Params
from ezsd.pipeline.plan.data import DataSet

INDEX_BYTES = 128
"""About as much as a row of the index takes, of a photo or of a box."""
OFFSET_BYTES, PSEUDO_BYTES = 8, 24
"""Of a photo in the file of pseudo boxes, and of a box: its corners, label and confidence."""


def artifact_bytes(params: Params, data: DataSet, dim: int, detector_bytes: int) -> Mapping[str, float]:
    """Size of each stage's artifact in bytes; arguments as for `Workload`."""
    amounts, keep, dtype = data.amounts, params.mine.keep, params.embed.dtype
    mined = row_bytes(mined_arrays(keep))
    embeddings = row_bytes(
        {
            **embedding_specs("embeddings", keep, dim, dtype, compressed=False),
            **embedding_specs("gt_embeddings", 1, dim, dtype, compressed=True),
        }
    )
    objects = (amounts.boxes / amounts.train_photos - 1) * dim * np.dtype(dtype).itemsize
    pseudo_boxes = 0 if params.pseudo is None else params.pseudo.keep
    photos = amounts.train_photos + amounts.val_photos
    return {
        "prepare": photos * (INDEX_BYTES + data.photo_bytes) + amounts.boxes * INDEX_BYTES,
        "renorm": 2 * amounts.names * dim * 4,
        "mine": amounts.train_photos * mined,
        "embed": amounts.train_photos * (mined + embeddings + objects),
        "pseudo": amounts.train_photos * (OFFSET_BYTES + PSEUDO_BYTES * pseudo_boxes),
        "train": detector_bytes,
        "evaluate": amounts.val_photos * params.evaluate.detections_per_image * INDEX_BYTES,
        "report": 0,
    }


def row_bytes(arrays: Mapping[str, ArraySpec]) -> int:
    """Size of a row of the arrays, without compression."""
    return sum(math.prod(spec.shape) * np.dtype(spec.dtype).itemsize for spec in arrays.values())
