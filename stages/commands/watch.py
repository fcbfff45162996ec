"""`ezsd-cli watch`: what DVC cannot see by itself."""

import typer

from ezsd.stages.commands.options import DEFAULT_PARAMS, Overrides, ParamsPath, open_run, say

app = typer.Typer()


@app.command(epilog="`dvc repro` calls it before anything else.")
def watch(params: ParamsPath = DEFAULT_PARAMS, overrides: Overrides = None) -> None:
    """Note what code and outside files the stages depend on, so that DVC sees a change in them."""
    from ezsd.pipeline.watch import note_inputs

    say(f"{note_inputs(*open_run(params, overrides))}: noted")
