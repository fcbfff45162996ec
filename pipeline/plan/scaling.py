"""From the measured small run to the cost of each stage of the large one."""

from collections.abc import Mapping
from dataclasses import dataclass

from ezsd.pipeline.executor import count_workers
from ezsd.pipeline.jobs.renorm import MEASURE
from ezsd.pipeline.params import Params
from ezsd.pipeline.plan.counts import Amounts, Units, mining_cost, units_of_work
from ezsd.pipeline.plan.probe import StageProbe, Work


@dataclass(frozen=True)
class StageCost:
    """images: photos read. crops: boxes cut out. forwards: through the teacher. bytes: left on the disk."""

    stage: str
    images: int
    crops: int
    forwards: int
    bytes: int
    seconds: float


@dataclass(frozen=True)
class Probe:
    """The small run: its params, what its data hold, what it cost, and how many photos are synthetic."""

    params: Params
    amounts: Amounts
    stages: Mapping[str, StageProbe]
    synthetic: int


@dataclass(frozen=True)
class Scaling:
    """From the small run to the large one."""

    params: Params
    real: Amounts
    probe: Probe

    def cost(self, stage: str, start_seconds: float) -> StageCost:
        """What a stage will cost; `start_seconds`: of its command before it begins."""
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
        """How much more a unit costs than in the probe, which may have cut fewer crops of a photo."""
        if label == "mine":
            return self._mine_forwards(self.real, self.params) / self._mine_forwards(
                self.probe.amounts, self.probe.params
            )
        if label == "embed":
            return self._embed_crops() / max(self._measured_forwards("embed"), 1e-9)
        return 1.0

    def _measured_forwards(self, stage: str) -> float:
        """Crops of a photo in the probe."""
        work = self.probe.stages[stage].works[stage]
        return work.forwards / work.units

    def _mine_forwards(self, amounts: Amounts, params: Params) -> float:
        """Forwards of a photo, tiles among them: as measured, where the same anchors were laid."""
        cost = mining_cost(params.mine, amounts)
        if self.probe.params.mine.stride != self.params.mine.stride and params is self.params:
            return cost.forwards
        sample = mining_cost(self.probe.params.mine, self.probe.amounts)
        measured = self._measured_forwards("mine") + sample.tiles
        return measured * cost.forwards / sample.forwards

    def _embed_crops(self) -> float:
        """Crops of a photo: base boxes and proposals, the latter as many as in the probe or as are kept."""
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
        """Boxes that are cut out, and forwards through the teacher."""
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
        """How much larger a file, or all files of its kind, will be."""
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
