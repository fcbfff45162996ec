"""`ezsd-cli plan`: estimates the cost of a run."""

import typer

from ezsd.stages.commands.options import DEFAULT_PARAMS, AsJson, Overrides, ParamsPath, open_run, show

app = typer.Typer()


@app.command(epilog="Example: `ezsd-cli plan --set mine.method=exhaustive`")
def plan(as_json: AsJson = False, params: ParamsPath = DEFAULT_PARAMS, overrides: Overrides = None) -> None:
    """Estimate crops, disk and time of each stage, from the annotations and a short probe on this machine."""
    from ezsd.pipeline.plan.estimate import make_plan
    from ezsd.pipeline.plan.text import plan_text

    made = make_plan(*open_run(params, overrides))
    show(made.as_json(), plan_text(made), as_json)
