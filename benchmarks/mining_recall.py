"""How many objects proposals cover, from the rank of the first proposal that covers each."""

from collections.abc import Mapping

import numpy as np
import torch

from ezsd.boxes import iou_xyxy
from ezsd.evaluation.diagnostics import COVERED_IOU
from ezsd.pipeline.data.tables import Boxes

NEVER = np.iinfo(np.int64).max
"""The rank of an object that no proposal covers."""


def coverage_ranks(objects_xyxy: np.ndarray, proposals_xyxy: np.ndarray) -> np.ndarray:
    """Return int64 `(N,)`: the rank, from 0, of the first of `(P, 4)` proposals that covers each object."""
    objects, proposals = (
        torch.from_numpy(np.asarray(boxes, np.float64)) for boxes in (objects_xyxy, proposals_xyxy)
    )
    covers = (iou_xyxy(objects, proposals) >= COVERED_IOU).numpy()
    if covers.shape[1] == 0:
        return np.full(len(covers), NEVER)
    return np.where(covers.any(axis=1), covers.argmax(axis=1), NEVER)


def object_ranks(objects: Boxes, proposals_xyxy: Mapping[int, np.ndarray]) -> np.ndarray:
    """Return `coverage_ranks` of the objects of many photos, `(M,)`; proposals by image id."""
    ranks = np.full(len(objects), NEVER)
    for image_id, boxes_xyxy in proposals_xyxy.items():
        here = objects.image_ids == image_id
        ranks[here] = coverage_ranks(objects.boxes_xyxy[here], boxes_xyxy)
    return ranks


def recall_at(ranks: np.ndarray, count: int) -> float:
    """Return the share of objects, in 0..1, that the first `count` proposals of their photo cover."""
    return float((ranks < count).mean()) if len(ranks) else 0.0


def paired_ratio_error(found: np.ndarray, found_by_baseline: np.ndarray) -> float:
    """Return the standard error of the ratio of two recalls on the same objects (paired).

    Args:
        found, found_by_baseline: bool `(M,)`, some True.
    """
    share = found.sum() / found_by_baseline.sum()
    residuals = found - share * found_by_baseline  # the linearised ratio estimator
    return float(np.sqrt((residuals.astype(float) ** 2).sum()) / found_by_baseline.sum())
