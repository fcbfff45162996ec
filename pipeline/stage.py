"""What a stage is, and what it is given to work with."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from ezsd.pipeline.device import one_thread
from ezsd.pipeline.params import Params, select
from ezsd.pipeline.processes import ALONE, Processes
from ezsd.pipeline.progress import Progress, show_progress
from ezsd.pipeline.step_logs import LOGS, StepLog, open_logs

if TYPE_CHECKING:
    from ezsd.pipeline.jobs.job import Job

ARTIFACTS = "artifacts"


@dataclass(frozen=True)
class StageResult:
    """What the manifest says of a finished stage.

    Args:
        counts: rows by kind, for instance `{"photos": 800, "proposals": 31207}`.
        facts: what a reader must know, for instance `{"protocol": "names known"}`.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StageContext:
    """The hands of a running stage.

    Args:
        params: all params; a stage reads only the sections that its `Stage.params` names.
        root: folder of `params.yaml`; relative paths in params start here.
        folder: the stage's own output folder.
        processes: those that do the stage's work together; only the one that leads writes.
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
        """Progress of `total` units, of which an interrupted run finished `done`; the leader's is shown."""
        if not self.processes.leads:
            return nullcontext(Progress(self.folder.name, total, unit, done))
        return show_progress(label or self.folder.name, total, unit, done)

    def step_logs(self, steps_done: int) -> AbstractContextManager[StepLog]:
        """The logs of `run.loggers`, after the steps that an interrupted run has done; the leader's."""
        loggers = self.params.run.loggers if self.processes.leads else ()
        return open_logs(loggers, self.root / LOGS, steps_done)

    def map_shards(self, job: "Job") -> None:
        """Do the shards of the job that no earlier run has done, wherever `params.run` says."""
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

    The module `stages.<name>` has `run(context: StageContext) -> StageResult`, which writes into
    `context.folder` only. It is imported when it runs, so that training never loads what mining needs.
    A stage that reads files from outside the project also has `external_inputs(params, root) -> dict` with
    their digests, a part of the fingerprint.

    Args:
        name: `mine`; the module is `ezsd.stages.mine`, the output `artifacts/mine`.
        params: sections or keys that it reads (`mine`, `data.split`), and nothing else.
        parents: stages whose output it reads.
        sharded: its store lies at the URL of `run.stores`, if there is one.
        late: what the params choose among modules that are imported by name, late: from params to the dotted
            name, or None. The others are out of the stage's reach and make no artifact stale.
        choice: a key of the params, `mine.method`: the sections of params named like its other values do not
            count either.
    """

    name: str
    params: tuple[str, ...]
    parents: tuple[str, ...] = ()
    late: tuple[Callable[[Params], str | None], ...] = ()
    choice: str | None = None
    sharded: bool = False

    @property
    def module(self) -> str:
        """Dotted name of the stage's module."""
        return f"ezsd.stages.{self.name}"

    def modules(self, params: Params) -> tuple[str, ...]:
        """The modules that do the work under these params; what they import does its share too."""
        chosen = (choose(params) for choose in self.late)
        return self.module, *(module for module in chosen if module)

    def inputs_of(self, params: Params) -> dict[str, Any]:
        """The params that decide the stage's bytes."""
        selected = select(params, self.params)
        if self.choice is not None:
            section, key = self.choice.split(".")
            values = get_args(get_type_hints(type(getattr(params, section)))[key])
            unchosen = {value for value in values if value != selected[section][key]}
            selected[section] = {name: own for name, own in selected[section].items() if name not in unchosen}
        return selected

    def run(self, context: StageContext) -> StageResult:
        """Does the stage's work, with one torch thread: its bytes must not depend on the number of cores."""
        with one_thread():
            result: StageResult = import_module(self.module).run(context)
        return result

    def external_inputs(self, params: Params, root: Path) -> dict[str, Any]:
        """Digests of inputs from outside the project, such as photos or weights."""
        digests: dict[str, Any] = {}
        for module in map(import_module, self.modules(params)):
            if hasattr(module, "external_inputs"):
                digests |= module.external_inputs(params, root)
        return digests
