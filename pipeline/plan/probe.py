"""A small run of the whole pipeline with a clock at each piece of work, to say what a large one will cost."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ezsd.cache import manifest
from ezsd.cache.folders import artifact_files
from ezsd.pipeline.executor import Task, count_workers, run_shards
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.jobs.job import Job
from ezsd.pipeline.params import Params
from ezsd.pipeline.progress import Progress
from ezsd.pipeline.runner import artifact_folder
from ezsd.pipeline.stage import StageContext

_seen: set[str] = set()
"""Labels of the work that this process has done: the first shard of each also warms up."""


@dataclass(frozen=True)
class Work:
    """One piece of a stage's work, by its label in the progress.

    units: done. unit_seconds: one worker's time for a unit, warmed up. workers: at work at the same time.
    forwards: crops through the teacher. sharded: whether more workers can share it.
    """

    units: int
    unit_seconds: float
    workers: int = 1
    forwards: float = 0.0
    sharded: bool = False

    @property
    def seconds(self) -> float:
        """Without what starting takes."""
        return self.unit_seconds * self.units / self.workers


@dataclass(frozen=True)
class StageProbe:
    """What a stage of the small run cost. fixed_seconds: all that does not grow with the work."""

    works: Mapping[str, Work]
    fixed_seconds: float
    bytes: Mapping[str, int]


def probe_pipeline(params: Params, root: Path) -> dict[str, StageProbe]:
    """Runs every stage in `root` with the small params, and returns what each cost."""
    return {name: _probe_stage(name, params, root) for name in STAGES}


def _probe_stage(name: str, params: Params, root: Path) -> StageProbe:
    folder = artifact_folder(root, name)
    manifest.begin(folder, name, {})
    context = ProbeContext(params, root, folder)
    start = time.monotonic()
    result = STAGES[name].run(context)
    manifest.publish(folder, result.counts, result.facts)
    seconds = time.monotonic() - start
    works = {label: _joined(parts) for label, parts in context.works.items()}
    fixed = max(0.0, seconds - sum(work.seconds for work in works.values()))
    sizes = {file: path.stat().st_size for file, path in artifact_files(folder).items()}
    return StageProbe(works, fixed, sizes)


@dataclass(frozen=True)
class TimedTask:
    """A shard's work with its time; `warm` if this process has done a shard of the kind before."""

    label: str
    task: Task

    def __call__(self, shard: int) -> dict[str, float]:
        warm = self.label in _seen
        _seen.add(self.label)
        start = time.monotonic()
        tally = self.task(shard)
        return {**tally, "seconds": time.monotonic() - start, "warm": float(warm)}


class _Clock(Progress):
    """Progress that shows nothing and remembers when each part was done."""

    def __init__(self, label: str, total: int, unit: str) -> None:
        super().__init__(label, total, unit)
        self.marks: list[tuple[float, int]] = []

    def advance(self, units: int, worker: str = "", **tallies: float) -> None:
        super().advance(units, worker, **tallies)
        self.marks.append((time.monotonic(), units))

    def unit_seconds(self, start: float) -> float:
        """Mean time of a unit after the first part, which warms up, if there is more."""
        if len(self.marks) > 1:
            return (self.marks[-1][0] - self.marks[0][0]) / max(self.done - self.marks[0][1], 1)
        return (self.marks[-1][0] - start) / max(self.done, 1) if self.marks else 0.0


@dataclass(frozen=True)
class ProbeContext(StageContext):
    """The hands of a stage in a small run: it works as in a large one, under a clock."""

    works: dict[str, list[Work]] = field(default_factory=lambda: defaultdict(list))

    @contextmanager
    def progress(self, total: int, unit: str, done: int = 0, label: str | None = None) -> Iterator[Progress]:
        """As `StageContext.progress`; shows nothing."""
        clock, start = _Clock(label or self.folder.name, total, unit), time.monotonic()
        yield clock
        if clock.done:
            self.works[clock.label].append(Work(clock.done, clock.unit_seconds(start)))

    def map_shards(self, job: Job) -> None:
        """As `StageContext.map_shards`, with the time of every shard."""
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
    """Shards, each with its units and tallies, as one piece of work; cold ones count if no other is there."""
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
    """Pieces of work under one label, done one after the other."""
    units = sum(part.units for part in parts)
    seconds = sum(part.unit_seconds * part.units for part in parts)
    return Work(
        units=units,
        unit_seconds=seconds / max(units, 1),
        workers=max(part.workers for part in parts),
        forwards=sum(part.forwards for part in parts),
        sharded=parts[0].sharded,
    )
