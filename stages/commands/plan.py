"""`ezsd-cli plan`: estimates the cost of a run."""

from typing import Annotated

import typer

from ezsd.stages.commands.options import DEFAULT_PARAMS, AsJson, Overrides, ParamsPath, open_run, show

app = typer.Typer()


@app.command(epilog="Example: `ezsd-cli plan --set mine.method=exhaustive`")
def plan(
    probe_seconds: Annotated[
        float, typer.Option(help="Limit of the probe's time; more seconds give a narrower range.", min=1)
    ] = 20.0,
    no_probe: Annotated[bool, typer.Option("--no-probe", help="Count only; give no times.")] = False,
    as_json: AsJson = False,
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Count crops and disk of each stage, and time it by a short probe of this machine; runs nothing."""
    from ezsd.pipeline.plan.estimate import Estimate
    from ezsd.pipeline.plan.text import counts_text, times_text

    loaded, root = open_run(params, overrides)
    estimate = Estimate(loaded, root)
    counted = estimate.plan(loaded)
    if not as_json:
        print(counts_text(counted), flush=True)
    timing = None if no_probe else estimate.time(counted, loaded, probe_seconds)
    if as_json:
        show(counted.as_json(timing), "", as_json)
    elif timing is not None:
        print(f"\n{times_text(counted, timing)}")
