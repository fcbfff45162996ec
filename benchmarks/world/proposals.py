"""Gates 1 to 3: what proposals cover, what a name explains of their errors, and what distillation sees."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.mining_recall import object_ranks, recall_at
from benchmarks.runs import context_of
from ezsd.boxes import iou_xyxy
from ezsd.cache.artifacts import Mined
from ezsd.evaluation.diagnostics import COVERED_IOU
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.data.tables import Boxes
from ezsd.pipeline.data.views import read_full_annotations

COUNTS = (10, 20, 48)


@dataclass(frozen=True)
class Objects:
    """All objects of the training photos, also those without a box in training.

    Attributes:
        boxes: of base and novel names.
        base: number of base names; a label from it on is novel.
    """

    boxes: Boxes
    base: int

    def novel(self) -> Boxes:
        """Return those of novel names."""
        return self.boxes.take(self.boxes.labels >= self.base)

    def labelled(self) -> Boxes:
        """Return those of base names."""
        return self.boxes.take(self.boxes.labels < self.base)


@dataclass(frozen=True)
class Found:
    """One photo's proposals, best first: boxes (K, 4) xyxy and the teacher's confidence (K,)."""

    boxes_xyxy: np.ndarray
    confidence: np.ndarray

    def first(self, count: int) -> "Found":
        """Return the best `count`."""
        return Found(self.boxes_xyxy[:count], self.confidence[:count])


def read_objects(root: Path) -> Objects:
    """Read the training photos' objects, without crowds, of a prepared run."""
    context = context_of(root, "evaluate")
    prepared = Prepared(context.parent("prepare"))
    sources = resolve_sources(context.params.data, root, prepared.folder)
    boxes = read_full_annotations(sources, "train", prepared.split).clean.boxes
    return Objects(boxes.objects(), len(prepared.split.base))


def read_found(root: Path) -> dict[int, Found]:
    """Read the proposals of a mined run, by image id."""
    return dict(_found(Mined(root / "artifacts" / "mine")))


def _found(mined: Mined) -> Iterator[tuple[int, Found]]:
    for shard in range(mined.store.shards):
        rows = mined.store.read_shard(shard, ["image_ids", "count", "boxes_xyxy", "confidence"])
        for image, count, boxes, confidence in zip(*rows.values(), strict=True):
            yield int(image), Found(boxes[:count], confidence[:count])


def recalls(objects: Objects, found: dict[int, Found]) -> dict[int, tuple[float, float]]:
    """Return by number of proposals the recall of base and of novel objects, in 0..1."""
    boxes = {image: one.boxes_xyxy for image, one in found.items()}
    base, novel = (object_ranks(some, boxes) for some in (objects.labelled(), objects.novel()))
    return {count: (recall_at(base, count), recall_at(novel, count)) for count in COUNTS}


def residuals(objects: Objects, found: dict[int, Found]) -> tuple[np.ndarray, np.ndarray]:
    """Return what a box regressor would have to correct, and the labels of the objects.

    Returns:
        Deltas (N, 4) from each proposal to the object that it covers best, centre and logarithmic size in
        units of the proposal, for proposals that cover one by `COVERED_IOU`; labels (N,).
    """
    deltas, labels = [np.empty((0, 4))], [np.empty(0, np.int32)]
    for image, one in found.items():
        here = objects.boxes.take(objects.boxes.image_ids == image)
        best, which = _best(one.boxes_xyxy, here.boxes_xyxy)
        covers = best >= COVERED_IOU
        deltas.append(_deltas(one.boxes_xyxy[covers], here.boxes_xyxy[which[covers]]))
        labels.append(here.labels[which[covers]])
    return np.concatenate(deltas), np.concatenate(labels)


def explained_share(values: np.ndarray, groups: np.ndarray) -> float:
    """Return the share of the variance of (N, D) values that group means explain, adjusted for their number.

    Unadjusted, names without any meaning would seem to explain the more, the more names there are.
    """
    names, rows = np.unique(groups, return_inverse=True)
    counts = np.bincount(rows)
    means = np.stack([np.bincount(rows, column) / counts for column in values.T], axis=1)
    within = ((values - means[rows]) ** 2).sum() / (len(values) - len(names))
    total = ((values - values.mean(axis=0)) ** 2).sum() / (len(values) - 1)
    return float(1 - within / total)


@dataclass(frozen=True)
class Concentration:
    """How much of the distilled proposals is about novel objects.

    Attributes:
        boxes: proposals a photo.
        share: of the proposals, those with `COVERED_IOU` to a novel object.
        weight: the share of the weight that is on them.
        best_iou: with each novel object, the mean over objects.
    """

    boxes: float
    share: float
    weight: float
    best_iou: float


def concentration(objects: Objects, found: dict[int, Found], is_weighted: bool) -> Concentration:
    """Measure proposals; weights are confidences if `is_weighted`, else 1."""
    novel = objects.novel()
    on_novel, weights, overlaps = [np.empty(0, bool)], [np.empty(0)], [np.empty(0)]
    for image, one in found.items():
        truth = novel.boxes_xyxy[novel.image_ids == image]
        on_novel.append(_best(one.boxes_xyxy, truth)[0] >= COVERED_IOU)
        weights.append(one.confidence if is_weighted else np.ones(len(one.confidence)))
        overlaps.append(_best(truth, one.boxes_xyxy)[0])
    hits, weight = np.concatenate(on_novel), np.concatenate(weights)
    share, weighted = hits.mean(), weight[hits].sum() / weight.sum()
    return Concentration(
        len(hits) / len(found), float(share), float(weighted), float(np.concatenate(overlaps).mean())
    )


def _best(boxes_xyxy: np.ndarray, others_xyxy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each box's best IoU with the others, 0 without any, and the index of that one."""
    if len(others_xyxy) == 0:
        return np.zeros(len(boxes_xyxy)), np.zeros(len(boxes_xyxy), int)
    both = (torch.from_numpy(np.asarray(boxes, np.float64)) for boxes in (boxes_xyxy, others_xyxy))
    best, which = iou_xyxy(*both).max(dim=1)
    return best.numpy(), which.numpy()


def _deltas(boxes_xyxy: np.ndarray, targets_xyxy: np.ndarray) -> np.ndarray:
    (centre, size), (aim, aim_size) = (_centre_and_size(one) for one in (boxes_xyxy, targets_xyxy))
    return np.concatenate([(aim - centre) / size, np.log(aim_size / size)], axis=1)


def _centre_and_size(boxes_xyxy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = boxes_xyxy[:, :2].astype(np.float64), boxes_xyxy[:, 2:].astype(np.float64)
    return (low + high) / 2, high - low
