"""`python -m benchmarks.ablation`: the whole ablation, or the named rows and seeds."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from benchmarks.ablation.page import aims_table, curve_table, results_table
from benchmarks.ablation.plan import PARTS, plan_runs
from benchmarks.ablation.publish import make_result, publish
from benchmarks.ablation.rows import ROWS, SEEDS, rows_named
from benchmarks.ablation.runs import run_all
from benchmarks.ablation.workplace import Workplace
from benchmarks.provenance import REPOSITORY
from ezsd.pipeline.executor import count_workers
from ezsd.pipeline.params import RunParams
from ezsd.stages.commands.main import USER_ERRORS

WORK = REPOSITORY / "benchmarks" / "work" / "ablation"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog="Example: `python -m benchmarks.ablation --row vild --row ezsd --seed 0 --no-curve`")
def ablation(
    row: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(row.name for row in ROWS)}; all by default.")
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(help="A training seed; 0, 1 and 2 by default.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Override a key in every row, e.g. `data.world.train=100`.", metavar="KEY=VALUE"
        ),
    ] = None,
    curve: Annotated[bool, typer.Option(help="Train shorter schedules too.")] = True,
    workers: Annotated[int, typer.Option(help="Runs at once; 0: one for each core.", min=0)] = 0,
) -> None:
    """Train and score every row and seed and print the table. A complete run also writes the result files.

    An interrupted run resumes with the same command.
    """
    rows = rows_named(row) if row else ROWS
    runs = plan_runs(rows, seed or SEEDS, PARTS if curve else ())
    at_once = count_workers(RunParams(workers=workers, device="cpu"))
    with _resume_hint():
        outcomes = run_all(runs, overrides or (), Workplace(WORK), at_once)
    result = make_result(outcomes)
    print(results_table(outcomes))
    if result.measurements:
        print("", curve_table(outcomes), "", aims_table(result.measurements), sep="\n")
    if not (row or seed or overrides) and curve:
        publish(outcomes, result)


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
        print("ablation: interrupted; run the same command again to resume", file=sys.stderr, flush=True)
        raise


if __name__ == "__main__":
    main()
