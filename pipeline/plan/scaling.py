"""From the measured small run to the cost of each stage of the large one."""

from collections.abc import Mapping
from dataclasses import dataclass

from ezsd.pipeline.device import count_workers
from ezsd.pipeline.jobs.renorm import MEASURE
from ezsd.pipeline.params import Params
from ezsd.pipeline.plan.counts import Amounts, Units, mining_cost, units_of_work
from ezsd.pipeline.plan.probe import StageProbe, Work


@dataclass(frozen=True)
class StageCost:
    """Estimated cost of a stage.

    Attributes:
        stage: its name.
        images: photos read.
        crops: boxes cut out.
        forwards: forward passes through the teacher.
        bytes: size of the artifact.
        seconds: duration.
    """

    stage: str
    images: int
    crops: int
    forwards: int
    bytes: int
    seconds: float


@dataclass(frozen=True)
class Probe:
    """The small run: its params, the amounts of its data, its cost, and the number of synthetic photos."""

    params: Params
    amounts: Amounts
    stages: Mapping[str, StageProbe]
    synthetic: int


@dataclass(frozen=True)
class Scaling:
    """Scales the cost of the small run to the large one."""

    params: Params
    real: Amounts
    probe: Probe

    def cost(self, stage: str, start_seconds: float) -> StageCost:
        """Cost of a stage; `start_seconds` is the time before the stage starts."""
        small, units = self.probe.stages[stage], units_of_work(self.params, self.real)
        seconds = sum(
            work.unit_seconds * self._heavier(label) * self._busiest(units[label], work)
            for label, work in small.works.items()
        )
        crops, forwards = self._crops(stage)
        return StageCost(
            stage=stage,
            images=self._images(stage),
            crops=round(crops),
            forwards=round(forwards),
            bytes=round(sum(size * self._larger(stage, file) for file, size in small.bytes.items())),
            seconds=start_seconds + small.fixed_seconds + seconds,
        )

    def _busiest(self, units: Units, work: Work) -> float:
        """Units of the worker that has most of them."""
        return units.busiest(count_workers(self.params.run)) if work.sharded else units.count

    def _heavier(self, label: str) -> float:
        """Cost of a unit relative to the probe, which may have cut fewer crops per photo."""
        if label == "mine":
            return self._mine_forwards(self.real, self.params) / self._mine_forwards(
                self.probe.amounts, self.probe.params
            )
        if label == "embed":
            return self._embed_crops() / max(self._measured_forwards("embed"), 1e-9)
        return 1.0

    def _measured_forwards(self, stage: str) -> float:
        """Forward passes per photo in the probe."""
        work = self.probe.stages[stage].works[stage]
        return work.forwards / work.units

    def _mine_forwards(self, amounts: Amounts, params: Params) -> float:
        """Forward passes per photo, with tiles: as measured if the probe used the same anchors."""
        cost = mining_cost(params.mine, amounts)
        if self.probe.params.mine.stride != self.params.mine.stride and params is self.params:
            return cost.forwards
        sample = mining_cost(self.probe.params.mine, self.probe.amounts)
        measured = self._measured_forwards("mine") + sample.tiles
        return measured * cost.forwards / sample.forwards

    def _embed_crops(self) -> float:
        """Crops per photo: base boxes, and as many proposals as in the probe or at most."""
        views = 2 if self.params.embed.crops == "multi" else 1
        base = self.real.boxes / self.real.train_photos
        if self.probe.params.mine.stride != self.params.mine.stride:
            return views * (self.params.mine.keep + base)
        sample = self.probe.amounts
        return self._measured_forwards("embed") + views * (base - sample.boxes / sample.train_photos)

    def _images(self, stage: str) -> int:
        photos, val = self.real.train_photos, self.real.val_photos
        report = self.params.report
        return {
            "prepare": photos + val,
            "renorm": round(self.real.boxed_photos),
            "mine": photos,
            "embed": photos,
            "train": round(units_of_work(self.params, self.real)["train"].count)
            * self.params.train.schedule.images_per_step,
            "evaluate": val,
            "report": min(report.training_photos, photos) + min(report.validation_photos, val),
        }[stage]

    def _crops(self, stage: str) -> tuple[float, float]:
        """Boxes that are cut out, and forward passes through the teacher."""
        units, photos = units_of_work(self.params, self.real), self.real.train_photos
        if stage == "renorm":
            tuned = units["renorm"].count if self.params.renorm.method == "tune" else 0.0
            return (tuned + units[MEASURE].count,) * 2
        if stage == "mine":
            forwards = photos * self._mine_forwards(self.real, self.params)
            tiles = mining_cost(self.params.mine, self.real).tiles
            return forwards - photos * tiles, forwards + tiles * units["mine: fit objectness"].count
        if stage == "embed":
            return (photos * self._embed_crops(),) * 2
        if stage == "evaluate":  # by the raw and by the re-normalized teacher
            return (2 * self.real.val_photos * self.real.boxes / photos,) * 2
        return 0.0, 0.0

    def _larger(self, stage: str, file: str) -> float:
        """Size of a file, or of all files of its kind, relative to the probe."""
        train = self.real.train_photos / self.probe.amounts.train_photos
        if stage == "prepare":
            both = self.real.train_photos + self.real.val_photos
            return both / (self.probe.amounts.train_photos + self.probe.amounts.val_photos)
        if stage == "evaluate":
            return self.real.val_photos / self.probe.amounts.val_photos
        if ".zarr/" in file:
            rows = self.params.mine.keep / self.probe.params.mine.keep if stage == "mine" else 1.0
            return train * (self._heavier("embed") if stage == "embed" else rows)
        return 1.0
