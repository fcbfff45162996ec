"""`python -m benchmarks.ablation.carry ezsd-seed0 vild-seed0`: keep scores when a change moved no number.

A new option, off in all rows, changes the code that a run can reach, and so makes all scores stale. This
trains the named runs again. If each gives the numbers of its kept file, all scores of the same commit and
kind of CPU are current again; their files still name the commit that they were made with.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from benchmarks.ablation import publish
from benchmarks.ablation.plan import PARTS, plan_runs
from benchmarks.ablation.rows import ROWS
from benchmarks.ablation.runs import Planned, plan_all, read_current, run_all
from benchmarks.ablation.scores import Outcome, Outcomes, Scores, moved
from benchmarks.ablation.workplace import WORK, Workplace
from ezsd.pipeline.errors import ParamsError, PipelineError
from ezsd.stages.commands.main import USER_ERRORS

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    samples: Annotated[list[str], typer.Argument(help="Runs to train again, e.g. `ezsd-seed0`.")],
    workers: Annotated[int, typer.Option(help="Runs at once.", min=1)] = 1,
) -> None:
    """Train the samples again and, if no number moved, make all scores of their commits current."""
    planned = plan_all(plan_runs(ROWS, None, PARTS), ())
    carried = carry(planned, samples, Workplace(WORK), publish.SCORES, workers)
    print(f"ablation: {carried} scores are current again")
    publish.main()


def carry(
    planned: Sequence[Planned], samples: Sequence[str], workplace: Workplace, scores: Scores, workers: int
) -> int:
    """Compare the samples with their kept scores and make those of the same origin current.

    Args:
        planned: all runs.
        samples: names of runs to train again; one of each commit whose scores are to be kept.
        workplace: of the runs; what it holds already is not made again.
        scores: as kept.
        workers: runs at once.

    Returns:
        The number of scores that were stale and are current now.

    Raises:
        ParamsError: for a sample that is no run, or of which no scores are kept.
        PipelineError: if a number moved. Nothing is written then.
    """
    kept = {one.run.name: outcome for one in planned if (outcome := scores.kept(one.run)) is not None}
    if unknown := sorted(set(samples) - kept.keys()):
        raise ParamsError(
            f"no scores are kept of {', '.join(unknown)}; name runs of benchmarks/results/ablation"
        )
    again = [one for one in planned if one.run.name in samples]
    fresh = Scores(workplace.folder / "carry")
    run_all(again, workplace, fresh, workers)
    _compare(read_current(again, fresh), kept)
    origins = {_origin(kept[name]) for name in samples}
    stale = [
        one
        for one in planned
        if (outcome := kept.get(one.run.name)) is not None
        and outcome.fingerprint != one.fingerprint
        and _origin(outcome) in origins
    ]
    for one in stale:
        scores.write(one.run, replace(kept[one.run.name], fingerprint=one.fingerprint))
    return len(stale)


def _compare(fresh: Outcomes, kept: dict[str, Outcome]) -> None:
    for run, outcome in fresh.items():
        if differing := moved(kept[run.name], outcome):
            raise PipelineError(
                f"{run.name} has other numbers than its kept scores ({', '.join(differing)}), so none is "
                "carried; `make ablation` trains what is stale"
            )


def _origin(outcome: Outcome) -> tuple[str, str]:
    return outcome.commit, outcome.cpu


if __name__ == "__main__":
    try:
        app()
    except USER_ERRORS as error:
        sys.exit(f"error: {error}")
