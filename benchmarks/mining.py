"""Forwards of each miner against the novel objects that its proposals cover, and a curve of the trade-off.

On scenes of the embedded world, with the teacher re-normalized on the same scenes, as in the pipeline. The
baseline `rpn` is measured in the ablation, on the photos that it is trained on (docs/results.md).
`benchmarks.mining_real` compares the miners on real photos.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.mining_recall import object_ranks, paired_ratio_error, recall_at
from benchmarks.provenance import REPOSITORY
from benchmarks.record import Measurement, Result, Target, ratio, write_result
from benchmarks.runs import run_stage, start_run
from benchmarks.trade_off import Curve, draw_trade_off
from benchmarks.world.proposals import Found, Objects, concentration, read_found, read_objects
from ezsd.cache import artifacts
from ezsd.cache.atomic import write_bytes_atomic

SCENES = 120
SEED = 5
COUNTS = (20, 48, 100, 200)
FRACTIONS = (0.03, 0.06, 0.1)
DEFAULT = "cascade_0.1"
SETTINGS = (
    f"data.world.train={SCENES}",
    "data.world.val=4",
    f"data.world.seed={SEED}",
    "renorm.epochs=16",
    "renorm.check=null",
    f"mine.keep={max(COUNTS)}",
    "mine.photos_per_shard=4",
)
CASCADES = {
    f"cascade_{fraction:g}": ("mine.method=cascade", f"mine.cascade.fraction={fraction}")
    for fraction in FRACTIONS
}
MINERS: Mapping[str, tuple[str, ...]] = {
    "exhaustive": ("mine.method=exhaustive",),
    **CASCADES,
}
CURVE = REPOSITORY / "docs" / "mining.svg"


@dataclass(frozen=True)
class Mined:
    """The proposals of a miner.

    Attributes:
        found: image id -> its proposals, best first.
        forwards: mean per photo.
    """

    found: Mapping[int, Found]
    forwards: float

    @property
    def boxes_xyxy(self) -> dict[int, np.ndarray]:
        """Image id -> boxes, `(K, 4)`."""
        return {image: one.boxes_xyxy for image, one in self.found.items()}


def main() -> None:
    """Mine the same scenes with every miner and record the result and the curve."""
    with TemporaryDirectory() as folder:
        root = start_run(Path(folder), SETTINGS)
        found = _mine_with_all(root, MINERS)
        objects = read_objects(root)
    novel = objects.novel()
    ranks = {name: object_ranks(novel, one.boxes_xyxy) for name, one in found.items()}
    measurements = [*_ratios(found, ranks), *_forwards(found), *_recalls(ranks), *_distilled(objects, found)]
    details = {"scenes": SCENES, "novel_objects": len(novel), "recall_error": _largest_error(len(novel))}
    write_result(Result("mining", SEED, measurements, details))
    curves = [
        Curve(
            f"{count} proposals",
            [(found[name].forwards, 100 * recall_at(ranks[name], count)) for name in MINERS],
        )
        for count in (COUNTS[0], COUNTS[1], COUNTS[-1])
    ]
    write_bytes_atomic(CURVE, draw_trade_off(curves, "forwards a photo", "novel objects covered, %").encode())


def _mine_with_all(root: Path, miners: Mapping[str, tuple[str, ...]]) -> dict[str, Mined]:
    for stage in ("prepare", "renorm"):
        run_stage(root, stage)
    found = {}
    for name, settings in miners.items():
        run_stage(root, "mine", "--force", *(part for one in settings for part in ("--set", one)))
        found[name] = _read(root)
    return found


def _read(root: Path) -> Mined:
    store = artifacts.Mined(root / "artifacts" / "mine").store
    forwards = [store.read_shard(shard, ["forwards"])["forwards"] for shard in range(store.shards)]
    return Mined(read_found(root), float(np.concatenate(forwards).mean()))


def _ratios(found: Mapping[str, Mined], ranks: Mapping[str, np.ndarray]) -> list[Measurement]:
    """Compare the default cascade with the exhaustive miner."""
    most = max(COUNTS)
    default, exhaustive = (recall_at(ranks[name], most) for name in (DEFAULT, "exhaustive"))
    error = paired_ratio_error(ranks[DEFAULT] < most, ranks["exhaustive"] < most)
    forwards = found[DEFAULT].forwards / found["exhaustive"].forwards
    return [
        ratio("mining.forward_ratio", forwards, Target("<=", 0.1)),
        ratio("mining.novel_recall_ratio", default / exhaustive, Target(">=", 0.98)),
        Measurement("mining.novel_recall_ratio.standard_error", error, "x"),
    ]


def _forwards(found: Mapping[str, Mined]) -> list[Measurement]:
    baseline = found["exhaustive"].forwards
    return [
        Measurement(f"mining.forwards.{name}", one.forwards, "a photo", baseline)
        for name, one in found.items()
    ]


def _recalls(ranks: Mapping[str, np.ndarray]) -> list[Measurement]:
    return [
        Measurement(
            f"mining.novel_recall_at_{count}.{name}",
            100 * recall_at(one, count),
            "%",
            100 * recall_at(ranks["exhaustive"], count),
        )
        for count in COUNTS
        for name, one in ranks.items()
    ]


def _distilled(objects: Objects, found: Mapping[str, Mined]) -> Iterator[Measurement]:
    """Measure what distillation sees of novel objects: the best box's IoU, and their share of the weight."""
    seen = {name: concentration(objects, dict(one.found), is_weighted=True) for name, one in found.items()}
    for name, one in seen.items():
        baseline = seen["exhaustive"]
        yield Measurement(f"mining.novel_mean_best_iou.{name}", one.best_iou, "IoU", baseline.best_iou)
        yield Measurement(f"mining.novel_weight.{name}", 100 * one.weight, "%", 100 * baseline.weight)


def _largest_error(objects: int) -> str:
    return f"at most {50 / np.sqrt(objects):.1f} points of recall, one standard error"


if __name__ == "__main__":
    main()
