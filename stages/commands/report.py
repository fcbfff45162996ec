"""`ezsd-cli report`: the page of a run."""

import typer

from ezsd.stages.commands.options import (
    DEFAULT_PARAMS,
    Force,
    Overrides,
    ParamsPath,
    open_run,
    run_stage,
    say,
)

app = typer.Typer()


@app.command(epilog="Example: `ezsd-cli report`")
def report(force: Force = False, params: ParamsPath = DEFAULT_PARAMS, overrides: Overrides = None) -> None:
    """Write a page with results, detections, proposals and training curves."""
    from ezsd.pipeline.runner import artifact_folder

    loaded, root = open_run(params, overrides)
    run_stage("report", loaded, root, force)
    say(f"page: {artifact_folder(root, 'report') / 'index.html'}")
