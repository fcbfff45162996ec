"""`ezsd-cli plan`: what a run will cost, from the annotations' counts and a small run on this machine."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.data.world.annotations import likely_base
from ezsd.pipeline.data.world.names import LONG_TAIL_NAMES
from ezsd.pipeline.executor import count_workers
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.jobs.renorm import LOOK
from ezsd.pipeline.params import OwnSplit, Params
from ezsd.pipeline.plan.counts import Amounts, Units, mining_cost, units_of_work
from ezsd.pipeline.plan.data import RealData, amounts_of_index, write_sample
from ezsd.pipeline.plan.probe import StageProbe, Work, probe_pipeline
from ezsd.pipeline.plan.small import RANDOM, available_teacher, choose_size, small_params
from ezsd.pipeline.plan.warnings import disk_warnings, memory_warnings
from ezsd.pipeline.runner import artifact_folder

READS_ANNOTATIONS = ("prepare", "evaluate")
"""Stages that read each annotation file twice: for its digest and for its boxes."""
LOADS_MODULES = "import ezsd.pipeline.executor, ezsd.stages.mine, ezsd.stages.train"


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
class Plan:
    """What a run costs. notes: how it was found out. warnings: what stands in its way."""

    stages: tuple[StageCost, ...]
    workers: int
    device: str
    probe_seconds: float
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def total(self) -> StageCost:
        """The sum over the stages; a photo counts each time that it is read."""
        sums = {
            key: sum(getattr(stage, key) for stage in self.stages)
            for key in ("images", "crops", "forwards", "bytes", "seconds")
        }
        return StageCost("total", **sums)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "total": asdict(self.total)}


@dataclass(frozen=True)
class Probe:
    """The small run: its params, what its data hold, what it cost, and how many photos are synthetic."""

    params: Params
    amounts: Amounts
    stages: Mapping[str, StageProbe]
    synthetic: int


def make_plan(params: Params, root: Path) -> Plan:
    """Counts the data set and runs the pipeline on a few photos in a temporary folder.

    Raises DataError or InputError for data or params with which a run would fail as well.
    """
    start, load = time.monotonic(), os.getloadavg()[0]
    sources = resolve_sources(params.data, root, artifact_folder(root, "prepare"))
    real = RealData.read(params, sources) if params.data.world is None else None
    reading = time.monotonic() - start
    teacher = available_teacher(params, root)
    usable = replace(params, teacher=teacher)
    size = choose_size(usable, root)
    with tempfile.TemporaryDirectory(prefix="ezsd-plan-") as name:
        folder = Path(name)
        if real is None:
            data, synthetic = _small_world(params, size.photos), 0
        else:
            data, synthetic = write_sample(real, sources, folder / "data", size.photos)
        small = small_params(usable, data, size)
        stages = probe_pipeline(small, folder)
        prepared = Prepared(artifact_folder(folder, "prepare"))
        sample = amounts_of_index(prepared, params.renorm.repeat_threshold)
    probe = Probe(small, sample, stages, synthetic)
    scaling = Scaling(params, real.amounts if real else _whole_world(params, sample), probe)
    command = _command_seconds()
    costs = tuple(
        scaling.cost(stage, command + 2 * reading * (stage in READS_ANNOTATIONS)) for stage in STAGES
    )
    return Plan(
        stages=costs,
        workers=count_workers(params.run),
        device="GPU" if params.run.device != "cpu" and torch.cuda.is_available() else "CPU",
        probe_seconds=time.monotonic() - start,
        notes=_notes(params, probe, load),
        warnings=(
            *disk_warnings(root, _bytes_on_disk(params, costs)),
            *memory_warnings(count_workers(params.run)),
        ),
    )


def _bytes_on_disk(params: Params, costs: Sequence[StageCost]) -> dict[str, int]:
    """By stage; shards that go to a URL need no room here."""
    return {
        cost.stage: cost.bytes
        for cost in costs
        if params.run.stores is None or not STAGES[cost.stage].sharded
    }


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
            return (tuned + units[LOOK].count,) * 2
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


def _small_world(params: Params, photos: int) -> Any:
    assert params.data.world is not None
    world = replace(params.data.world, train=photos, val=photos)
    if params.data.format != "lvis":
        return replace(params.data, world=world)
    # by LVIS's rule nearly all names of so few scenes are rare
    base = likely_base(params.data.world.train)
    novel = tuple(name for name in LONG_TAIL_NAMES if name not in base)
    return replace(params.data, world=world, split=OwnSplit(base=base, novel=novel))


def _whole_world(params: Params, sample: Amounts) -> Amounts:
    assert params.data.world is not None
    train, val = params.data.world.train, params.data.world.val
    return sample.times(train / sample.train_photos, train, val)


def _command_seconds() -> float:
    """Time that a command takes before its stage begins."""
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", LOADS_MODULES], check=True)
    return time.monotonic() - start


def _notes(params: Params, probe: Probe, load: float) -> tuple[str, ...]:
    notes = []
    if probe.params.teacher.weights == RANDOM and params.teacher.weights != RANDOM:
        notes.append(
            f"teacher.weights {params.teacher.weights} are not here: measured with random weights of "
            "the same architecture"
        )
    if probe.synthetic:
        notes.append(f"{probe.synthetic} photos of the probe are not here: synthetic ones stood in")
    if probe.params.mine.stride != params.mine.stride:
        notes.append(
            "the teacher is slow here: the probe laid fewer anchors and kept fewer proposals; forwards of "
            "mine and embed are the most that there can be"
        )
    if load > 0.5 * (os.cpu_count() or 1):
        notes.append(
            f"the machine was busy (load {load:.1f} on {os.cpu_count()} cores): when it is idle, a run is "
            "faster than this"
        )
    return tuple(notes)
