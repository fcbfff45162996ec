"""`ezsd-cli`: the command line, also for DVC.

Each command is in a file of its own and imports what it needs when it runs: help and completion are quick.
"""

import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer

from ezsd.cache.errors import ArtifactError
from ezsd.errors import InputError
from ezsd.pipeline.errors import PipelineError, sentence
from ezsd.stages.commands import (
    cache,
    compare,
    data,
    embed_names,
    evaluate,
    export,
    init,
    init_own,
    inspect,
    plan,
    precompute,
    predict,
    report,
    result,
    train,
    verify,
    watch,
)
from ezsd.stages.commands.runs import WithRuns

USER_ERRORS = (ArtifactError, InputError, PipelineError)
IN_ORDER_OF_USE = (
    init,
    init_own,
    data,
    plan,
    precompute,
    train,
    evaluate,
    result,
    report,
    predict,
    export,
    embed_names,
    inspect,
    compare,
    verify,
    cache,
    watch,
)

app = typer.Typer(
    cls=WithRuns,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Zero-shot object detection by CLIP distillation: precompute targets once, then train.",
    epilog="Start with `ezsd-cli init --preset demo`, then `ezsd-cli precompute`, `train`, `eval`, `report`.",
)
for command in IN_ORDER_OF_USE:
    app.add_typer(command.app)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"ezsd {version('ezsd')}")
        raise typer.Exit


@app.callback()
def _root(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line.

    A user's error becomes one sentence and exit code 1; so does an unexpected error, with a request to report
    it. Ctrl-C exits with 130.
    """
    given = sys.argv[1:] if arguments is None else arguments
    try:
        return app(arguments)
    except USER_ERRORS as error:
        if "--debug" in given:
            raise
        sys.exit(f"error: {sentence(error)}")
    except Exception as error:
        if "--debug" in given:
            raise
        sys.exit(f"error: {_defect(error, given)}")


def _defect(error: Exception, given: list[str]) -> str:
    """One sentence: the error is a bug, and how to report it."""
    what = sentence(f"{type(error).__name__}: {error}")
    return (
        f"this is a bug in ezsd ({what}): please report it with the output of "
        f"`ezsd-cli --debug {' '.join(given)}`, which shows the traceback"
    )


if __name__ == "__main__":
    main()
