"""Bring all runs up to date: shared artifacts first, on all cores, then each run on one core."""

import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from functools import partial
from pathlib import Path

from benchmarks.ablation.oracle import data_overrides, write_annotations
from benchmarks.ablation.plan import Run, planned_steps, run_params, world_params
from benchmarks.ablation.processes import for_each
from benchmarks.ablation.scores import Outcome, read_outcome
from benchmarks.ablation.workplace import RUN_STAGES, Workplace
from ezsd.cache.errors import ArtifactError
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import DataSources, resolve_sources
from ezsd.pipeline.graph import PRECOMPUTE, STAGES
from ezsd.pipeline.params import PARAMS_FILE, Params, load_params
from ezsd.pipeline.progress import show_progress
from ezsd.pipeline.runner import artifact_folder, require_current, run_stage
from ezsd.split import Split

LOG = "run.log"
"""A run's output, beside its params."""


def run_all(
    runs: Sequence[Run], overrides: Sequence[str], workplace: Workplace, workers: int
) -> list[Outcome]:
    """Do what is not done yet, and return all outcomes in the order of `runs`.

    If killed, it resumes when called again.
    """
    world = _World(overrides, workplace, workers)
    params = {run: world.params_of(run) for run in runs}
    roots = {run: workplace.lay_out(run.name, params[run]) for run in runs}
    _make_shared(list(roots.values()), workers)
    steps = {run: planned_steps(params[run], len(Prepared(world.prepare).train)) for run in runs}
    _make_runs(roots, steps, workers)
    return [read_outcome(run, params[run], roots[run], world.split) for run in runs]


class _World:
    """The drawn world, made first: the oracle's data come from it."""

    def __init__(self, overrides: Sequence[str], workplace: Workplace, workers: int) -> None:
        self._overrides, self._workplace = overrides, workplace
        params = world_params(overrides)
        root = workplace.lay_out("world", params)
        _run_shared("prepare", root, workers)
        self.prepare = workplace.artifact("prepare", params)
        self._sources: DataSources = resolve_sources(params.data, root, self.prepare)
        self.split: Split = Prepared(self.prepare).split

    def params_of(self, run: Run) -> Params:
        """Return all params of a run."""
        if run.row.labelled == "base":
            return run_params(run, self._overrides)
        annotations = self._workplace.folder / "oracle" / self.prepare.name
        write_annotations(self._sources, annotations)
        root = self._workplace.root(run.name)
        return run_params(
            run, [*self._overrides, *data_overrides(self._sources, annotations, self.split, root)]
        )


def _make_shared(roots: Sequence[Path], workers: int) -> None:
    """Make each shared artifact once."""
    for stage in PRECOMPUTE:
        for root in {artifact_folder(root, stage).resolve(): root for root in roots}.values():
            _run_shared(stage, root, workers)


def _run_shared(stage: str, root: Path, workers: int) -> None:
    print(f"ablation: {artifact_folder(root, stage).resolve().name}", file=sys.stderr, flush=True)
    run_stage(STAGES, stage, load_params(root / PARAMS_FILE, [f"run.workers={workers}"]), root)


def _make_runs(roots: dict[Run, Path], steps: dict[Run, int], workers: int) -> None:
    """Train and evaluate; progress counts steps, since runs differ in length."""
    finished = {run for run, root in roots.items() if _is_finished(root)}
    done = sum(steps[run] for run in finished)
    with show_progress("ablation", sum(steps.values()), "steps", done) as progress:

        def on_done(run: Run, _: None) -> None:
            if run not in finished:
                finished.add(run)
                progress.say(f"{len(finished)}/{len(roots)} runs")
                progress.advance(steps[run])

        for_each(partial(_make_run, roots), list(roots), workers, on_done)


def _make_run(roots: dict[Run, Path], run: Run) -> None:
    """Train and evaluate one run; its output goes into its log."""
    root = roots[run]
    params = load_params(root / PARAMS_FILE)
    with (root / LOG).open("a", encoding="utf-8") as log, redirect_stderr(log):
        for stage in RUN_STAGES:
            run_stage(STAGES, stage, params, root)


def _is_finished(root: Path) -> bool:
    try:
        require_current(STAGES, RUN_STAGES[-1], load_params(root / PARAMS_FILE), root)
    except ArtifactError:
        return False
    return True
