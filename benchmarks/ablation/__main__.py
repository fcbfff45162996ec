"""`python -m benchmarks.ablation`: the whole ablation, or the named rows and seeds first."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from benchmarks.ablation import publish
from benchmarks.ablation.page import aims_table, gains_table, results_table
from benchmarks.ablation.plan import PARTS, plan_runs
from benchmarks.ablation.rows import ROWS, rows_named
from benchmarks.ablation.runs import plan_all, read_current, run_all
from benchmarks.ablation.scores import Scores
from benchmarks.ablation.summary import measure
from benchmarks.ablation.workplace import WORK, Workplace
from ezsd.pipeline.device import count_workers
from ezsd.pipeline.params import RunParams
from ezsd.stages.commands.main import USER_ERRORS

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog="Example: `python -m benchmarks.ablation --row ezsd --row vild --seed 0 --no-curve`")
def ablation(
    row: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(row.name for row in ROWS)}; all by default.")
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(help="A training seed; all by default.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Override a key in every row, e.g. `data.world.train=100`; nothing is published then.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    curve: Annotated[bool, typer.Option(help="Train shorter schedules too.")] = True,
    workers: Annotated[int, typer.Option(help="Runs at once; 0: one for each core.", min=0)] = 0,
) -> None:
    """Train and score what has no current scores yet, print the table, and write the result files.

    An interrupted run resumes with the same command; finished runs are kept in `benchmarks/results/ablation`.
    """
    scores = Scores(WORK / "scores") if overrides else publish.SCORES
    planned = plan_all(
        plan_runs(rows_named(row) if row else ROWS, seed, PARTS if curve else ()), overrides or ()
    )
    at_once = count_workers(RunParams(workers=workers, device="cpu"))
    with _resume_hint():
        run_all(planned, Workplace(WORK), scores, at_once)
    outcomes = read_current(planned, scores)
    print(results_table(outcomes), gains_table(outcomes), aims_table(measure(outcomes)), sep="\n\n")
    if not overrides:
        publish.main()


def main() -> None:
    """Run the command; a user's error becomes one sentence and exit code 1."""
    try:
        app()
    except USER_ERRORS as error:
        sys.exit(f"error: {error}")


@contextmanager
def _resume_hint() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        print(
            "ablation: interrupted; run the same command again to resume, or "
            "`python -m benchmarks.ablation.publish` for the table of what is done",
            file=sys.stderr,
            flush=True,
        )
        raise


if __name__ == "__main__":
    main()
