"""`ezsd-cli watch`: what DVC cannot see by itself."""

import typer

from ezsd.stages.commands.options import DEFAULT_PARAMS, Overrides, ParamsPath, open_run, say

app = typer.Typer()


@app.command(epilog="`dvc repro` calls it where the params have `run.watch: [files]`.")
def watch(params: ParamsPath = DEFAULT_PARAMS, overrides: Overrides = None) -> None:
    """Note what files outside the project hold, so that DVC sees a change in them."""
    from ezsd.pipeline.watch import note_outside_files

    say(f"{note_outside_files(*open_run(params, overrides))}: noted")
