"""`ezsd-cli plan`: the cost of a run, from counts of the annotations and a small run on this machine."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.data.world.annotations import likely_base
from ezsd.pipeline.data.world.names import LONG_TAIL_NAMES
from ezsd.pipeline.device import count_workers
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.models import RANDOM
from ezsd.pipeline.params import OwnSplit, Params
from ezsd.pipeline.plan.counts import Amounts
from ezsd.pipeline.plan.probe import probe_pipeline
from ezsd.pipeline.plan.sample import (
    RealData,
    amounts_of_index,
    available_teacher,
    choose_size,
    small_params,
    write_sample,
)
from ezsd.pipeline.plan.scaling import Probe, Scaling, StageCost
from ezsd.pipeline.plan.text import disk_warnings, memory_warnings
from ezsd.pipeline.runner import artifact_folder

READS_ANNOTATIONS = ("prepare", "evaluate")
"""Stages that read each annotation file twice, for its digest and for its boxes."""
LOADS_MODULES = "import ezsd.pipeline.executor, ezsd.stages.mine, ezsd.stages.train"


@dataclass(frozen=True)
class Plan:
    """Estimated cost of a run.

    Attributes:
        stages: cost of each stage.
        workers: number of workers.
        device: `GPU` or `CPU`.
        probe_seconds: duration of the estimate itself.
        notes: limits of the estimate.
        warnings: reasons why the run may fail.
    """

    stages: tuple[StageCost, ...]
    workers: int
    device: str
    probe_seconds: float
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def total(self) -> StageCost:
        """Sum over the stages; a photo counts each time it is read."""
        sums = {
            key: sum(getattr(stage, key) for stage in self.stages)
            for key in ("images", "crops", "forwards", "bytes", "seconds")
        }
        return StageCost("total", **sums)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "total": asdict(self.total)}


def make_plan(params: Params, root: Path) -> Plan:
    """Count the data set, and run the pipeline on a few photos in a temporary folder.

    Raises:
        DataError: the data are unusable, for a run too.
        InputError: the params are unusable, for a run too.
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
        sample = amounts_of_index(prepared, params)
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
    """Bytes on the local disk by stage, without shards that go to a URL."""
    return {
        cost.stage: cost.bytes
        for cost in costs
        if params.run.stores is None or not STAGES[cost.stage].sharded
    }


def _small_world(params: Params, photos: int) -> Any:
    assert params.data.world is not None
    world = replace(params.data.world, train=photos, val=photos)
    if params.data.format != "lvis":
        return replace(params.data, world=world)
    # by LVIS's rule nearly all names would be rare in so few scenes
    base = likely_base(params.data.world.train)
    novel = tuple(name for name in LONG_TAIL_NAMES if name not in base)
    return replace(params.data, world=world, split=OwnSplit(base=base, novel=novel))


def _whole_world(params: Params, sample: Amounts) -> Amounts:
    assert params.data.world is not None
    train, val = params.data.world.train, params.data.world.val
    return sample.times(train / sample.train_photos, train, val)


def _command_seconds() -> float:
    """Time that a command takes before its stage starts, in seconds."""
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
        notes.append(f"{probe.synthetic} photos of the probe are not here: synthetic ones replaced them")
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
