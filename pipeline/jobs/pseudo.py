"""The work of `pseudo`: mining of held-back base names for the calibration, and the choice of boxes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ezsd.boxes import max_iou_xyxy
from ezsd.cache.artifacts import Mined, Rows
from ezsd.cache.pseudo_file import NO_NAME, PseudoTable
from ezsd.mining.proposals import MiningNames, Proposals
from ezsd.pipeline.data.training_photos import TrainingPhotos
from ezsd.pipeline.jobs.job import PartsJob
from ezsd.pipeline.jobs.mine import MinerSource, crop_classifier, mining_inputs
from ezsd.pipeline.jobs.read_ahead import read_ahead
from ezsd.pipeline.models.teacher import RenormalizedTeacher, prompts_of
from ezsd.pipeline.params import MineParams
from ezsd.pipeline.stage import StageContext
from ezsd.pseudo.calibration import Calibration, log_odds
from ezsd.pseudo.config import PseudoConfig
from ezsd.pseudo.selection import Candidates, select_pseudo_boxes
from ezsd.teacher.prompts import Prompts

PHOTOS_PER_PART = 16
OBJECT_IOU = 0.5
"""IoU with a true box from which on a mined box is right."""
MINED = ("boxes_xyxy", "scores", "labels", "confidence")


@dataclass(frozen=True)
class HeldBackMining(PartsJob):
    """Mines photos as if some base names were novel, and compares what it finds with their boxes.

    Attributes:
        names: compete for a crop: the other base names, then the held-back ones if pseudo boxes have names,
            then all names that are not base.
        held: labels of the held-back names, in that order.
        named: whether pseudo boxes have names.
        chosen: rows of the photos.
    """

    label = "pseudo: calibrate"

    photos: TrainingPhotos
    source: MinerSource
    teacher: RenormalizedTeacher
    prompts: Prompts
    params: MineParams
    names: MiningNames
    held: tuple[int, ...]
    named: bool
    chosen: tuple[int, ...]
    parts: Path
    per_shard: int = PHOTOS_PER_PART

    def __len__(self) -> int:
        return len(self.chosen)

    def __call__(self, shard: int) -> dict[str, float]:
        """Mine a part; write value and rightness of each box that would be a candidate."""
        mine = self.source.load()
        classifier = crop_classifier(self.teacher, self.names, self.prompts, self.params)
        rows, found = [self.chosen[place] for place in self.rows(shard)], []
        for row, photo in zip(rows, read_ahead(self.photos.photo, rows), strict=True):
            base_xyxy = self._base_xyxy(row)
            filtered_xyxy = base_xyxy if self.params.filters == "base" else torch.empty((0, 4))
            proposals = mine(photo, filtered_xyxy, classifier, self.params)
            candidates = self._are_candidates(proposals, base_xyxy)
            values = values_of(proposals.confidence.numpy(), proposals.scores.numpy(), self.named)
            pairs = np.stack([values, self._are_right(proposals, row).numpy()], axis=1)
            found += pairs[candidates.numpy()].tolist()
        self.publish(shard, found)
        return {"forwards": classifier.encoder.forwards}

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Values, float64 (N,), and rightness, bool (N,), of all parts; all must be done."""
        pairs = np.array([pair for part in self.read_all() for pair in part], np.float64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1] > 0

    def _are_candidates(self, proposals: Proposals, base_xyxy: Tensor) -> Tensor:
        """Bool (K,): away from base boxes and, where names are used, with a held-back one."""
        free = max_iou_xyxy(proposals.boxes_xyxy, base_xyxy) < self.params.base_iou
        place = proposals.labels - self.names.base_count
        return free & ((place >= 0) & (place < len(self.held))) if self.named else free

    def _are_right(self, proposals: Proposals, row: int) -> Tensor:
        """Bool (K,): on an object of the box's name or, where names are not used, of any held-back name."""
        objects = self.photos.index.objects_of(row)
        right = torch.zeros(len(proposals), dtype=torch.bool)
        for label, name in enumerate(self.held, start=self.names.base_count):
            objects_xyxy = torch.from_numpy(objects.boxes_xyxy[objects.labels == name])
            on_object = max_iou_xyxy(proposals.boxes_xyxy, objects_xyxy) >= OBJECT_IOU
            right |= on_object & (proposals.labels == label) if self.named else on_object
        return right

    def _base_xyxy(self, row: int) -> Tensor:
        """Boxes of the names that are not held back, and all crowd regions, (M, 4)."""
        boxes = self.photos.index.boxes_of(row)
        return torch.from_numpy(boxes.boxes_xyxy[~np.isin(boxes.labels, self.held) | boxes.crowd])


def values_of(confidence: np.ndarray, scores: np.ndarray, named: bool) -> np.ndarray:
    """What is calibrated, float64 (K,): log-odds of the name, or the miner's score without names."""
    return log_odds(confidence) if named else scores.astype(np.float64)


def held_back_mining(context: StageContext, config: PseudoConfig, parts: Path) -> HeldBackMining:
    """The job that mines held-back names with the finished miner of `mine`."""
    params, mined = context.params, Mined(context.parent("mine"))
    inputs = mining_inputs(replace(context, folder=context.parent("mine")))
    method = import_module(f"ezsd.pipeline.jobs.mine_{params.mine.method}")
    held, named = _draw_names(mined.base_count, config), config.names == "known"
    others = [label for label in range(mined.base_count) if label not in held]
    order = [*others, *(held if named else ()), *range(mined.base_count, len(mined.names))]
    rows = inputs.photos.index.rows_with_objects()
    places = np.linspace(0, len(rows) - 1, min(config.photos, len(rows))).round().astype(int)
    return HeldBackMining(
        photos=inputs.photos,
        source=method.prepare_miner(inputs),
        teacher=inputs.teacher,
        prompts=prompts_of(params.teacher),
        params=params.mine,
        names=MiningNames(tuple(mined.names[label] for label in order), len(others), mined.protocol),
        held=held,
        named=named,
        chosen=tuple(rows[places].tolist()),
        parts=parts,
    )


def select_all(
    context: StageContext, photos: TrainingPhotos, calibration: Calibration, config: PseudoConfig
) -> PseudoTable:
    """Choose the pseudo boxes of all photos from their proposals."""
    mined, base_iou = Mined(context.parent("mine")), context.params.mine.base_iou
    found: list[Candidates] = []
    with context.progress(mined.store.rows, "photos", label="pseudo: choose") as progress:
        for shard in range(mined.store.shards):
            rows = mined.store.read_shard(shard, [*MINED, "count"])
            for place, photo in enumerate(mined.store.shard_range(shard)):
                own = {name: rows[name][place, : rows["count"][place]] for name in MINED}
                candidates = _candidates(own, mined.base_count, calibration, config.names == "known")
                found.append(select_pseudo_boxes(candidates, photos.occupied_xyxy(photo), base_iou, config))
                progress.advance(1)
    return _table(found)


def _candidates(rows: Rows, base_count: int, calibration: Calibration, named: bool) -> Candidates:
    """The proposals of a photo that do not have a base name; all of them where names are not used."""
    labels = torch.from_numpy(rows["labels"].astype(np.int64))
    values = values_of(rows["confidence"], rows["scores"], named)
    proposals = Candidates(
        torch.from_numpy(rows["boxes_xyxy"]),
        labels if named else torch.full_like(labels, NO_NAME),
        torch.from_numpy(calibration.probability(values).astype(np.float32)),
    )
    return proposals.take(torch.where(labels >= base_count)[0]) if named else proposals


def _table(found: Sequence[Candidates]) -> PseudoTable:
    return PseudoTable(
        np.cumsum([0, *map(len, found)]).astype(np.int64),
        torch.cat([one.boxes_xyxy for one in found]).numpy(),
        torch.cat([one.labels for one in found]).numpy().astype(np.int32),
        torch.cat([one.probability for one in found]).numpy(),
    )


def _draw_names(base_count: int, config: PseudoConfig) -> tuple[int, ...]:
    """A seeded share of the base names, at least one and not all."""
    count = min(max(1, round(base_count * config.held_back)), base_count - 1)
    drawn = np.random.default_rng(config.seed).permutation(base_count)[:count]
    return tuple(sorted(drawn.tolist()))
