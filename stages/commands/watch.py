"""`ezsd-cli watch`: lets DVC notice changes of code and of files outside the project."""

import typer

from ezsd.stages.commands.options import DEFAULT_PARAMS, Overrides, ParamsPath, open_run, say

app = typer.Typer()


@app.command(epilog="`dvc repro` runs it before all stages.")
def watch(params: ParamsPath = DEFAULT_PARAMS, overrides: Overrides = None) -> None:
    """Record digests of the code and the outside files that stages depend on, so that DVC notices changes."""
    from ezsd.pipeline.watch import note_inputs

    say(f"{note_inputs(*open_run(params, overrides))}: recorded")
