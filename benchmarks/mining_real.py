"""What each ranking of anchors covers on real photos, and what each miner proposes there.

With the photos that EZSD_PHOTOS names and the teacher that EZSD_TEACHER names (`benchmarks.photos`). Rankings
are compared without filters. The cascade's is fitted on base boxes of other photos. Validation photos are not
used.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from benchmarks.mining_recall import object_ranks, paired_ratio_error, recall_at
from benchmarks.photos import need_real_data, real_overrides
from benchmarks.record import Measurement, Result, Target, ratio, write_result
from benchmarks.runs import context_of, run_stage, start_run
from benchmarks.world.proposals import Found, Objects, concentration, read_objects
from ezsd.boxes import nms_xyxy
from ezsd.mining.cascade import CascadeMiner, objectness_sums
from ezsd.mining.config import MineConfig
from ezsd.mining.exhaustive import distinct_boxes, photo_anchors, select_proposals, tight_scores
from ezsd.mining.proposals import CropClassifier, Proposals
from ezsd.pipeline.data.tables import Boxes
from ezsd.pipeline.data.training_photos import TrainingPhotos, open_training_photos
from ezsd.pipeline.device import choose_device, one_thread
from ezsd.pipeline.models.teacher import prompts_of
from ezsd.pipeline.models.teacher_source import resolve_teacher
from ezsd.pipeline.stage import StageContext
from ezsd.teacher.box_encoder import BoxEncoder
from ezsd.teacher.load import load_teacher
from ezsd.teacher.name_embeddings import embed_names
from ezsd.teacher.protocol import Teacher

PHOTOS, FITTED = 8, 48
"""Photos that are mined, and others, evenly spaced, whose base boxes the ranking is fitted to."""

SMALLEST = 24.0
"""Shorter side of the objects that count, in pixels: the grid has no smaller anchors."""

SEED = 0
COUNTS = (20, 48, 100, 200)
AT = 100
"""Boxes after which the bias is measured."""

FRACTIONS, DEFAULT = (0.1,), "cascade_0.1"
GRID = (
    "mine.long_side=512",
    "mine.short_side=384",
    "mine.scales=[2, 4, 8]",
    "mine.ratios=[0.5, 1.0, 2.0]",
    f"mine.keep={max(COUNTS)}",
    "mine.batch=128",
    "prepare.empty_photos=keep",
)
DRAWS = 2000
"""Of photos, with replacement, for the standard error of the bias."""


@dataclass(frozen=True)
class Looked:
    """One photo's boxes, best first: `rankings` without any filter, `miners` with the pipeline's."""

    rankings: dict[str, np.ndarray]
    miners: dict[str, Proposals]


def main() -> None:
    """Mine the same photos with every miner and record the result."""
    photos, factory = need_real_data()
    with TemporaryDirectory() as folder, one_thread():
        root = start_run(Path(folder), (*real_overrides(photos, factory, Path(folder)), *GRID))
        run_stage(root, "prepare")
        context, objects = context_of(root, "mine"), _large(read_objects(root))
        rows = _rows(open_training_photos(context), objects)
        looked = dict(_look(context, rows))
    here = np.isin(objects.boxes.image_ids, list(looked))
    shown = Objects(objects.boxes.take(here), objects.base)
    details = {
        "fitted_photos": FITTED,
        "photos": len(looked),
        "novel_objects": len(shown.novel()),
        "base_objects": len(shown.labelled()),
        "anchors": float(np.mean([one.miners["exhaustive"].anchors for one in looked.values()])),
        "smallest_side": SMALLEST,
    }
    write_result(Result("mining_real", SEED, [*_bias(shown, looked), *_miners(shown, looked)], details))


def _large(objects: Objects) -> Objects:
    sides = (objects.boxes.boxes_xyxy[:, 2:] - objects.boxes.boxes_xyxy[:, :2]).min(axis=1)
    return Objects(objects.boxes.take(sides >= SMALLEST), objects.base)


def _rows(photos: TrainingPhotos, objects: Objects) -> list[int]:
    """Return the rows of some photos with novel objects, drawn from the seed."""
    with_novel = np.flatnonzero(np.isin(photos.index.photos.image_ids, objects.novel().image_ids))
    drawn: list[int] = np.random.default_rng(SEED).permutation(with_novel)[:PHOTOS].tolist()
    return drawn


@torch.inference_mode()
def _look(context: StageContext, rows: list[int]) -> Iterator[tuple[int, Looked]]:
    """Yield each photo's id and what was found on it."""
    params, photos = context.params, open_training_photos(context)
    teacher = load_teacher(resolve_teacher(params.teacher, context.root)).to(choose_device(params.run))
    split = photos.prepared.split
    text = embed_names(teacher, split.names, prompts_of(params.teacher)).cpu()
    classifier = CropClassifier(BoxEncoder(teacher, params.mine.batch), text, len(split.base))
    weights = _fit(photos, rows, teacher, params.mine)
    for row in rows:
        photo, base = photos.photo(row), photos.occupied_xyxy(row)
        anchors = distinct_boxes(photo_anchors(photo, params.mine))
        certain = tight_scores(photo, anchors, classifier)
        scores = {
            "exhaustive": certain,
            "cascade": CascadeMiner(weights, 1.0).rank(photo, anchors, teacher).cpu(),
            "random": torch.rand(len(anchors), generator=torch.Generator().manual_seed(row)),
        }
        cascades = {
            f"cascade_{fraction}": CascadeMiner(weights, fraction)(photo, base, classifier, params.mine)
            for fraction in FRACTIONS
        }
        selected = select_proposals(photo, anchors, certain, base, classifier, params.mine)
        exhaustive = replace(selected, forwards=selected.forwards + len(anchors))
        yield (
            int(photos.index.photos.image_ids[row]),
            Looked(
                {name: _best(anchors, own, params.mine.nms_iou) for name, own in scores.items()},
                {"exhaustive": exhaustive, **cascades},
            ),
        )


def _fit(photos: TrainingPhotos, rows: list[int], teacher: Teacher, config: MineConfig) -> Tensor:
    """Return the weights of the cascade's ranking, fitted on photos that are not in `rows`."""
    others = np.setdiff1d(photos.index.rows_with_objects(), rows)
    spaced = others[np.linspace(0, len(others) - 1, min(FITTED, len(others))).round().astype(int)]
    sums = [
        objectness_sums(photos.photo(row), photos.objects_xyxy(row), teacher, config)
        for row in spaced.tolist()
    ]
    return reduce(add, sums).solve()


def _best(anchors: Tensor, scores: Tensor, nms_iou: float) -> np.ndarray:
    return anchors[nms_xyxy(anchors, scores, nms_iou, max(COUNTS))].numpy()


def _bias(objects: Objects, looked: Mapping[int, Looked]) -> Iterator[Measurement]:
    """Recall of both kinds by ranking, and how much the cascade prefers base objects to novel ones."""
    kinds = {"novel": objects.novel(), "base": objects.labelled()}
    names = next(iter(looked.values())).rankings
    boxes = {name: {image: one.rankings[name] for image, one in looked.items()} for name in names}
    ranks = {(name, kind): object_ranks(own, boxes[name]) for name in names for kind, own in kinds.items()}
    covered = {key: _by_photo(kinds[key[1]], own < AT, list(looked)) for key, own in ranks.items()}
    value, error = bias_gap(covered)
    yield ratio("mining.real.bias_gap", value, Target(">=", 0.9))
    yield Measurement("mining.real.bias_gap.standard_error", error, "x")
    for (name, kind), own in ranks.items():
        for count in COUNTS:
            yield Measurement(
                f"mining.real.ranked.{kind}_at_{count}.{name}", 100 * recall_at(own, count), "%"
            )
        yield Measurement(f"mining.real.ranked.{kind}_at_{AT}.{name}.standard_error", _error(own < AT), "%")


def _by_photo(objects: Boxes, found: np.ndarray, images: list[int]) -> np.ndarray:
    """Return int64 (P, 2): covered objects and all objects of each photo."""
    here = [objects.image_ids == image for image in images]
    return np.array([[found[own].sum(), own.sum()] for own in here])


def bias_gap(covered: Mapping[tuple[str, str], np.ndarray]) -> tuple[float, float]:
    """Return novel/base recall of the cascade over that of the exhaustive ranking, and its standard error.

    Args:
        covered: by ranking and kind, the covered and all objects of each photo, `(P, 2)`. The error is that
            of the bootstrap over photos.
    """
    photos = len(next(iter(covered.values())))
    drawn = np.random.default_rng(SEED).integers(0, photos, (DRAWS, photos))
    with np.errstate(divide="ignore", invalid="ignore"):
        gaps = _gap(covered, drawn)
        return float(_gap(covered, np.arange(photos)[None])[0]), float(gaps[np.isfinite(gaps)].std())


def _gap(covered: Mapping[tuple[str, str], np.ndarray], drawn: np.ndarray) -> np.ndarray:
    """Return the gap (D,) of draws of photos (D, P)."""
    sums = {key: own[drawn].sum(axis=1) for key, own in covered.items()}
    recall = {key: own[:, 0] / own[:, 1] for key, own in sums.items()}
    cascade, exhaustive = (recall[name, "novel"] / recall[name, "base"] for name in ("cascade", "exhaustive"))
    ratios: np.ndarray = cascade / exhaustive
    return ratios


def _error(found: np.ndarray) -> float:
    """Return the standard error of a recall in percent."""
    return 100 * float(found.std() / np.sqrt(len(found)))


def _miners(objects: Objects, looked: Mapping[int, Looked]) -> Iterator[Measurement]:
    """What each miner proposes, beside the exhaustive one."""
    novel, most = objects.novel(), max(COUNTS)
    found = {
        name: {image: _found(one.miners[name]) for image, one in looked.items()}
        for name in next(iter(looked.values())).miners
    }
    ranks = {
        name: object_ranks(novel, {image: one.boxes_xyxy for image, one in own.items()})
        for name, own in found.items()
    }
    own, all_of_them = (ranks[name] < most for name in (DEFAULT, "exhaustive"))
    yield ratio("mining.real.novel_recall_ratio", own.mean() / all_of_them.mean(), Target(">=", 0.8))
    yield Measurement(
        "mining.real.novel_recall_ratio.standard_error", paired_ratio_error(own, all_of_them), "x"
    )
    for name, rank in ranks.items():
        forwards = [one.miners[name].forwards for one in looked.values()]
        yield Measurement(f"mining.real.forwards.{name}", float(np.mean(forwards)), "a photo")
        for count in COUNTS:
            yield Measurement(
                f"mining.real.novel_recall_at_{count}.{name}", 100 * recall_at(rank, count), "%"
            )
        seen = concentration(objects, found[name], is_weighted=True)
        yield Measurement(f"mining.real.novel_mean_best_iou.{name}", seen.best_iou, "IoU")
        yield Measurement(f"mining.real.novel_weight.{name}", 100 * seen.weight, "%")


def _found(proposals: Proposals) -> Found:
    return Found(proposals.boxes_xyxy.numpy(), proposals.confidence.numpy())


if __name__ == "__main__":
    main()
