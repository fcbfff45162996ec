"""`ezsd-cli eval`: evaluates the detector."""

import typer

from ezsd.stages.commands.options import (
    DEFAULT_PARAMS,
    AsJson,
    Force,
    Overrides,
    ParamsPath,
    open_run,
    run_stage,
)
from ezsd.stages.commands.result import show_result

app = typer.Typer()


@app.command("eval", epilog="Example: `ezsd-cli eval --json`")
def evaluate(
    force: Force = False,
    as_json: AsJson = False,
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Evaluate the detector on base, novel and all categories (generalized), and print the table."""
    loaded, root = open_run(params, overrides)
    run_stage("evaluate", loaded, root, force)
    show_result(root, as_json)
