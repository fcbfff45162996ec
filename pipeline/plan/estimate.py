"""`ezsd-cli plan`: the cost of a run, counted from the annotations, and timed by a probe of this machine."""

import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ezsd.pipeline.device import choose_device, count_workers
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.models import RANDOM
from ezsd.pipeline.models.detector import make_detector
from ezsd.pipeline.models.teacher_source import resolve_teacher
from ezsd.pipeline.params import Params
from ezsd.pipeline.plan.data import DataSet, read_data
from ezsd.pipeline.plan.probe import Probe
from ezsd.pipeline.plan.rates import NOTHING, Rate, constant
from ezsd.pipeline.plan.text import disk_warnings, memory_warnings
from ezsd.pipeline.plan.training_probe import training_probes
from ezsd.pipeline.plan.work import ANNOTATIONS, StageWork, Workload
from ezsd.pipeline.progress import show_progress
from ezsd.teacher.load import embedding_size

SHARED = 0.6
"""Fraction of the probe's time for what does not depend on the detector."""
BUSY = 0.5
"""Load per core above which the machine counts as busy; times are those of an idle one."""


@dataclass(frozen=True)
class Plan:
    """What a run has to do, and on what.

    Attributes:
        stages: work of each stage.
        workers: number of workers.
        device: `GPU` or `CPU`.
        warnings: reasons why the run may fail.
    """

    stages: tuple[StageWork, ...]
    workers: int
    device: str
    warnings: tuple[str, ...]

    def as_json(self, timing: "Timing | None") -> dict[str, Any]:
        """Plain values; seconds are null without a timing."""
        rows = [_row(stage, timing.stages[stage.stage] if timing else None) for stage in self.stages]
        keys = ("images", "crops", "forwards", "bytes")
        total = {key: sum(row[key] for row in rows) for key in keys}
        timed = _seconds(timing.total if timing else None)
        return {
            "stages": rows,
            "total": {**total, **timed},
            "workers": self.workers,
            "device": self.device,
            "probe_seconds": timing.probe_seconds if timing else None,
            "notes": list(timing.notes) if timing else [],
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class Timing:
    """How long a run takes.

    Attributes:
        stages: seconds of each stage, with a range.
        probe_seconds: duration of the probe.
        notes: limits of the estimate.
    """

    stages: Mapping[str, Rate]
    probe_seconds: float
    notes: tuple[str, ...]

    @property
    def total(self) -> Rate:
        """Seconds of all stages."""
        return sum(self.stages.values(), start=NOTHING)


class Estimate:
    """Counts a run, and times it: first what all detectors share, then a detector's training.

    Attributes:
        data: the data set.
    """

    def __init__(self, params: Params, root: Path) -> None:
        """Read the annotations; no photo and no weights need be there.

        Raises:
            DataError: the data are unusable, for a run too.
            InputError: the teacher has no such architecture.
        """
        self._params, self._root = params, root
        start = time.monotonic()
        with show_progress("plan: read annotations", 1, "data set") as progress:
            self.data: DataSet = read_data(params, root)
            progress.advance(1)
        self._rates = {ANNOTATIONS: constant(time.monotonic() - start)}
        named = replace(params.teacher, weights=RANDOM)
        self._dim = embedding_size(resolve_teacher(named, root))
        self._probe = Probe(params, root, self.data.amounts)

    def plan(self, params: Params) -> Plan:
        """The work of a run, with params that differ only in recipe from those the data were read for."""
        workers, device = count_workers(params.run), choose_device(params.run)
        stages = self._workload(params).stages()
        sizes = {
            work.stage: work.bytes
            for work in stages
            if params.run.stores is None or not STAGES[work.stage].sharded
        }
        return Plan(
            stages=stages,
            workers=workers,
            device="CPU" if device.type == "cpu" else "GPU",
            warnings=tuple(disk_warnings(self._root, sizes)),
        )

    def time(self, plan: Plan, params: Params, seconds: float) -> Timing:
        """Probe the machine within a limit of seconds, and time the plan."""
        start, load = time.monotonic(), os.getloadavg()[0]
        self.measure_shared(SHARED * seconds)
        stages = self.seconds(params, start + seconds - time.monotonic())
        took = time.monotonic() - start
        notes = (*_notes(load), *memory_warnings(plan.workers, self._probe.teacher_bytes))
        return Timing(stages, took, notes)

    def measure_shared(self, seconds: float) -> None:
        """Measure reading, the teacher, and whatever else no detector changes, within a limit of seconds."""
        with show_progress("plan: probe", self._probe.count, "measurements") as progress:
            self._rates |= self._probe.measure(seconds, progress)

    def seconds(self, params: Params, seconds: float) -> dict[str, Rate]:
        """Measure the detector within a limit, and return the seconds of each stage.

        `measure_shared` comes first.
        """
        end, rates = time.monotonic() + seconds, dict(self._rates)
        probes = training_probes(params, self._root, self.data.amounts, self._probe.photo, self._dim)
        with show_progress("plan: probe the detector", len(probes), "measurements") as progress:
            for place, (name, probe) in enumerate(probes.items()):
                progress.say(name)
                rates[name] = probe((end - time.monotonic()) / (len(probes) - place))
                progress.advance(1)
        return {work.stage: work.seconds(rates) for work in self._workload(params).stages()}

    def _workload(self, params: Params) -> Workload:
        train = replace(params.train, backbone_weights=RANDOM)
        detector = make_detector(train, self._root, self.data.amounts.names, self._dim)
        size = sum(value.numel() * value.element_size() for value in detector.state_dict().values())
        return Workload(params, self.data, self._dim, size)


def _row(work: StageWork, seconds: Rate | None) -> dict[str, Any]:
    counts = {key: value for key, value in asdict(work).items() if key != "units"}
    return {**counts, **_seconds(seconds)}


def _seconds(rate: Rate | None) -> dict[str, float | None]:
    return asdict(rate) if rate else {"seconds": None, "low": None, "high": None}


def _notes(load: float) -> tuple[str, ...]:
    cores = os.cpu_count() or 1
    if load <= BUSY * cores:
        return ()
    return (f"the machine is busy (load {load:.1f} on {cores} cores): a run takes longer while it is",)
