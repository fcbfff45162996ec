"""Bring all runs up to date: shared artifacts first, on all cores, then each training on one core."""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic

from benchmarks.ablation.plan import Run, planned_steps, run_params
from benchmarks.ablation.processes import for_each
from benchmarks.ablation.scores import Outcomes, Scores, read_outcome
from benchmarks.ablation.workplace import RUN_STAGES, Workplace, fingerprints
from ezsd.cache.atomic import write_json_atomic
from ezsd.pipeline.graph import PRECOMPUTE
from ezsd.pipeline.params import PARAMS_FILE, Params, load_params
from ezsd.pipeline.progress import show_progress
from ezsd.pipeline.runner import run_stage

LOG, SECONDS = "run.log", "seconds.json"
"""A run's output, and the time that it took so far, beside its params."""


@dataclass(frozen=True)
class Planned:
    """A run with its params, and the fingerprints of its stages."""

    run: Run
    params: Params
    fingerprints: dict[str, str]

    @property
    def fingerprint(self) -> str:
        """Of the scores."""
        return self.fingerprints["evaluate"]


def plan_all(runs: Sequence[Run], overrides: Sequence[str]) -> list[Planned]:
    """Return the runs with their params and fingerprints."""
    params = {run: run_params(run, overrides) for run in runs}
    return [Planned(run, params[run], fingerprints(run.row.stages, params[run])) for run in runs]


def read_current(planned: Sequence[Planned], scores: Scores) -> Outcomes:
    """Return the outcomes of the current code and params that there are."""
    found = {one.run: scores.read(one.run, one.fingerprint) for one in planned}
    return {run: outcome for run, outcome in found.items() if outcome is not None}


def run_all(planned: Sequence[Planned], workplace: Workplace, scores: Scores, workers: int) -> None:
    """Train and evaluate what has no current scores yet. If killed, it resumes when called again."""
    done = read_current(planned, scores)
    todo = [one for one in planned if one.run not in done]
    for one in todo:
        workplace.lay_out(one.run.name, one.params, one.fingerprints)
    _make_shared(todo, workplace, workers)
    total, finished = (sum(planned_steps(one.params) for one in some) for some in (planned, todo))
    with show_progress("ablation", total, "steps", total - finished) as progress:
        left = len(todo)

        def on_done(group: Sequence[Planned], _: None) -> None:
            nonlocal left
            left -= len(group)
            progress.say(f"{len(planned) - left}/{len(planned)} runs")
            progress.advance(sum(planned_steps(one.params) for one in group))

        for_each(partial(_make_group, workplace, scores), _by_training(todo), workers, on_done)


def _make_shared(todo: Sequence[Planned], workplace: Workplace, workers: int) -> None:
    """Make each artifact that runs share once."""
    made: set[tuple[str, str]] = set()
    for stage in PRECOMPUTE:
        for one in todo:
            key = (stage, one.fingerprints[stage])
            if key not in made:
                made.add(key)
                print(f"ablation: {'-'.join(key)}", file=sys.stderr, flush=True)
                root = workplace.root(one.run.name)
                params = load_params(root / PARAMS_FILE, [f"run.workers={workers}"])
                run_stage(one.run.row.stages, stage, params, root)


def _by_training(todo: Sequence[Planned]) -> list[tuple[Planned, ...]]:
    """Put runs together that evaluate the same detector: it is trained once, by one process."""
    groups: dict[str, list[Planned]] = defaultdict(list)
    for one in todo:
        groups[one.fingerprints["train"]].append(one)
    return [tuple(group) for group in groups.values()]


def _make_group(workplace: Workplace, scores: Scores, group: Sequence[Planned]) -> None:
    for one in group:
        _make_run(workplace.root(one.run.name), scores, one)


def _make_run(root: Path, scores: Scores, one: Planned) -> None:
    """Train and evaluate one run; its output goes into its log."""
    params = load_params(root / PARAMS_FILE)
    with (root / LOG).open("a", encoding="utf-8") as log, redirect_stderr(log), _timed(_clock(root, one)):
        for stage in RUN_STAGES:
            run_stage(one.run.row.stages, stage, params, root)
    scores.write(one.run, read_outcome(root, one.fingerprint, _seconds(_clock(root, one))))


def _clock(root: Path, one: Planned) -> Path:
    """Where the time of making these very scores is kept: in the folder of their evaluation's artifact."""
    return root / f"{one.fingerprint}.{SECONDS}"


@contextmanager
def _timed(path: Path) -> Iterator[None]:
    """Add the time within the context to the file, also when it is interrupted."""
    before, start = _seconds(path), monotonic()
    try:
        yield
    finally:
        write_json_atomic(path, before + monotonic() - start)


def _seconds(path: Path) -> float:
    return float(path.read_text(encoding="utf-8")) if path.is_file() else 0.0
