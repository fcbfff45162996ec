"""A stage, the context it runs in, and its result."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from ezsd.pipeline.device import keep_freed_memory, one_thread
from ezsd.pipeline.findings.finding import Finding
from ezsd.pipeline.params import Params, select
from ezsd.pipeline.processes import ALONE, Processes
from ezsd.pipeline.progress import Progress, show_progress
from ezsd.pipeline.step_logs import LOGS, StepLog, open_logs

if TYPE_CHECKING:
    from ezsd.pipeline.jobs.job import Job

ARTIFACTS = "artifacts"


@dataclass(frozen=True)
class StageResult:
    """Entries for the manifest of a finished stage.

    Attributes:
        counts: rows by kind, for instance `{"photos": 800, "proposals": 31207}`.
        facts: what readers of the artifact need, for instance `{"protocol": "names known"}`.
        findings: results that look wrong although nothing failed.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    findings: Sequence[Finding] = ()


@dataclass(frozen=True)
class StageContext:
    """What a stage has while it runs: params, folders, progress and workers.

    Attributes:
        params: all params; a stage reads only the sections listed in its `Stage.params`.
        root: folder of `params.yaml`; relative paths in params start here.
        folder: the stage's own output folder.
        processes: those that work on the stage together; only the leader writes.
    """

    params: Params
    root: Path
    folder: Path
    processes: Processes = ALONE

    def parent(self, stage: str) -> Path:
        """Output folder of another stage."""
        return self.root / ARTIFACTS / stage

    def progress(
        self, total: int, unit: str, done: int = 0, label: str | None = None
    ) -> AbstractContextManager[Progress]:
        """Progress of `total` units; an interrupted run finished `done` of them. Only the leader shows it."""
        if not self.processes.leads:
            return nullcontext(Progress(self.folder.name, total, unit, done))
        return show_progress(label or self.folder.name, total, unit, done)

    def step_logs(self, steps_done: int) -> AbstractContextManager[StepLog]:
        """Open the logs of `run.loggers`, after `steps_done` earlier steps. Only the leader writes them."""
        loggers = self.params.run.loggers if self.processes.leads else ()
        return open_logs(loggers, self.root / LOGS, steps_done)

    def map_shards(self, job: "Job") -> None:
        """Compute the shards of the job that no earlier run finished, on the workers of `params.run`."""
        from ezsd.pipeline.executor import run_shards  # torch and Dask are slow to import

        todo = [shard for shard in range(job.shards) if not job.is_done(shard)]
        total = sum(map(job.size, range(job.shards)))
        done = total - sum(map(job.size, todo))
        with self.progress(total, job.unit, done, job.label) as progress:
            run_shards(
                job,
                todo,
                self.params.run,
                lambda shard, tally, worker: progress.advance(job.size(shard), worker, **tally),
            )


@dataclass(frozen=True)
class Stage:
    """One node of the pipeline: stage = params section = module = output folder.

    The module `ezsd.stages.<name>` has `run(context: StageContext) -> StageResult`, which writes into
    `context.folder` only. It is imported when it runs, so that training never loads what mining needs.

    Attributes:
        name: `mine`; the module is `ezsd.stages.mine`, the output `artifacts/mine`.
        params: the only sections or keys that it reads (`mine`, `data.split`).
        parents: stages whose output it reads.
        late: functions from params to the dotted name, or None, of a module that is imported by name at run
            time. Modules that are not chosen make no artifact stale.
        choice: a key such as `mine.method` that selects one of several subsections; the params of the others
            do not count.
        external: from params and the folder of `params.yaml` to digests of the files from outside the project
            that it reads; part of the fingerprint.
        sharded: whether its store goes to the URL of `run.stores`, if one is set.
    """

    name: str
    params: tuple[str, ...]
    parents: tuple[str, ...] = ()
    late: tuple[Callable[[Params], str | None], ...] = ()
    choice: str | None = None
    external: Callable[[Params, Path], Mapping[str, Any]] | None = None
    sharded: bool = False

    @property
    def module(self) -> str:
        """Dotted name of the stage's module."""
        return f"ezsd.stages.{self.name}"

    def modules(self, params: Params) -> tuple[str, ...]:
        """The modules that do the work with these params, without their imports."""
        chosen = (choose(params) for choose in self.late)
        return self.module, *(module for module in chosen if module)

    def inputs_of(self, params: Params) -> dict[str, Any]:
        """The params that determine the stage's bytes."""
        selected = select(params, self.params)
        if self.choice is not None:
            section, key = self.choice.split(".")
            values = get_args(get_type_hints(type(getattr(params, section)))[key])
            unchosen = {value for value in values if value != selected[section][key]}
            selected[section] = {name: own for name, own in selected[section].items() if name not in unchosen}
        return selected

    def run(self, context: StageContext) -> StageResult:
        """Run the stage with one torch thread: its bytes must not depend on the number of cores."""
        keep_freed_memory()
        with one_thread():
            result: StageResult = import_module(self.module).run(context)
        return result

    def external_inputs(self, params: Params, root: Path) -> dict[str, Any]:
        """Digests of inputs from outside the project, such as photos or weights; {} if there are none."""
        return {} if self.external is None else dict(self.external(params, root))
