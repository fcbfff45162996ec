"""`--run NAME`, short for `--params runs/NAME`, of every command that has `--params`."""

from collections.abc import Iterator
from pathlib import Path

import typer
from typer.core import TyperGroup


class WithRuns(TyperGroup):
    """Commands that read `--run NAME` as the params of that run."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Parse arguments, in which `--run` is replaced."""
        return super().parse_args(ctx, list(_replaced(args)))


def _replaced(arguments: list[str]) -> Iterator[str]:
    rest = iter(arguments)
    for argument in rest:
        option, equals, value = argument.partition("=")
        if option == "--run":
            yield f"--params={_params_of(value if equals else next(rest, ''))}"
        else:
            yield argument


def _params_of(name: str) -> Path:
    from ezsd.pipeline.sharing import RUNS  # quick commands need nothing of it

    if Path(name).name != name or name.startswith((".", "-")):
        sentence = f"{name!r} is no name: give a bare one, or a folder with --params"
        raise typer.BadParameter(sentence, param_hint="--run")
    return Path(RUNS, name, "params.yaml")
