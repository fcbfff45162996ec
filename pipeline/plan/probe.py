"""A small run of the whole pipeline that measures the time of each task."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ezsd.cache import writing
from ezsd.cache.folders import artifact_files
from ezsd.pipeline.device import count_workers
from ezsd.pipeline.executor import Task, run_shards
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.jobs.job import Job
from ezsd.pipeline.params import Params
from ezsd.pipeline.progress import Progress
from ezsd.pipeline.runner import artifact_folder
from ezsd.pipeline.stage import StageContext

_warm: set[str] = set()
"""Labels of tasks that this process has done: the first shard of each includes the warm-up."""


@dataclass(frozen=True)
class Work:
    """A measured task of a stage.

    Attributes:
        units: number of finished units.
        unit_seconds: a worker's time for a unit, after the warm-up.
        workers: number of parallel workers.
        forwards: forward passes through the teacher.
        sharded: whether more workers can share it.
    """

    units: int
    unit_seconds: float
    workers: int = 1
    forwards: float = 0.0
    sharded: bool = False

    @property
    def seconds(self) -> float:
        """Duration without the start."""
        return self.unit_seconds * self.units / self.workers


@dataclass(frozen=True)
class StageProbe:
    """Cost of a stage of the small run.

    Attributes:
        works: its tasks, by label in the progress.
        fixed_seconds: time that does not grow with the data.
        bytes: size of each file.
    """

    works: Mapping[str, Work]
    fixed_seconds: float
    bytes: Mapping[str, int]


def probe_pipeline(params: Params, root: Path) -> dict[str, StageProbe]:
    """Run every stage in `root` with the small params; return the cost of each."""
    return {name: _probe_stage(name, params, root) for name in STAGES}


def _probe_stage(name: str, params: Params, root: Path) -> StageProbe:
    folder = artifact_folder(root, name)
    writing.begin(folder, name, {})
    context = ProbeContext(params, root, folder)
    start = time.monotonic()
    result = STAGES[name].run(context)
    writing.publish(folder, result.counts, result.facts)
    seconds = time.monotonic() - start
    works = {label: _joined(parts) for label, parts in context.works.items()}
    fixed = max(0.0, seconds - sum(work.seconds for work in works.values()))
    sizes = {file: path.stat().st_size for file, path in artifact_files(folder).items()}
    return StageProbe(works, fixed, sizes)


@dataclass(frozen=True)
class TimedTask:
    """Times each shard of a task; `warm` is 1 if this process has done a shard of it before."""

    label: str
    task: Task

    def __call__(self, shard: int) -> dict[str, float]:
        warm = self.label in _warm
        _warm.add(self.label)
        start = time.monotonic()
        tally = self.task(shard)
        return {**tally, "seconds": time.monotonic() - start, "warm": float(warm)}


class _Clock(Progress):
    """Progress that shows nothing and records when each part finished."""

    def __init__(self, label: str, total: int, unit: str) -> None:
        super().__init__(label, total, unit)
        self.marks: list[tuple[float, int]] = []

    def advance(self, units: int, worker: str = "", **tallies: float) -> None:
        super().advance(units, worker, **tallies)
        self.marks.append((time.monotonic(), units))

    def unit_seconds(self, start: float) -> float:
        """Mean time of a unit, without the first part, the warm-up, if there are more."""
        if len(self.marks) > 1:
            return (self.marks[-1][0] - self.marks[0][0]) / max(self.done - self.marks[0][1], 1)
        return (self.marks[-1][0] - start) / max(self.done, 1) if self.marks else 0.0


@dataclass(frozen=True)
class ProbeContext(StageContext):
    """The context of a stage in the small run, which measures its tasks."""

    works: dict[str, list[Work]] = field(default_factory=lambda: defaultdict(list))

    @contextmanager
    def progress(self, total: int, unit: str, done: int = 0, label: str | None = None) -> Iterator[Progress]:
        """As `StageContext.progress`; shows nothing."""
        clock, start = _Clock(label or self.folder.name, total, unit), time.monotonic()
        yield clock
        if clock.done:
            self.works[clock.label].append(Work(clock.done, clock.unit_seconds(start)))

    def map_shards(self, job: Job) -> None:
        """As `StageContext.map_shards`; times every shard."""
        name, done = job.label or self.folder.name, list[tuple[int, dict[str, float]]]()
        run_shards(
            TimedTask(name, job),
            range(job.shards),
            self.params.run,
            lambda shard, tally, _: done.append((job.size(shard), tally)),
        )
        if done:
            workers = min(count_workers(self.params.run), job.shards)
            self.works[name].append(_measured(done, workers))


def _measured(done: list[tuple[int, dict[str, float]]], workers: int) -> Work:
    """Join shards, given as units and tallies, into one task; cold ones count only if all are cold."""
    warm = [(units, tally) for units, tally in done if tally["warm"]] or done
    seconds = sum(tally["seconds"] for _, tally in warm)
    return Work(
        units=sum(units for units, _ in done),
        unit_seconds=seconds / max(sum(units for units, _ in warm), 1),
        workers=workers,
        forwards=sum(tally.get("forwards", 0.0) for _, tally in done),
        sharded=True,
    )


def _joined(parts: list[Work]) -> Work:
    """Join consecutive tasks of one label."""
    units = sum(part.units for part in parts)
    seconds = sum(part.unit_seconds * part.units for part in parts)
    return Work(
        units=units,
        unit_seconds=seconds / max(units, 1),
        workers=max(part.workers for part in parts),
        forwards=sum(part.forwards for part in parts),
        sharded=parts[0].sharded,
    )
