"""`ezsd-cli train`: trains the detector, in one process or in several under torchrun."""

from typing import Annotated

import typer

from ezsd.stages.commands.options import (
    DEFAULT_PARAMS,
    Force,
    Overrides,
    ParamsPath,
    open_run,
    run_stage,
)

app = typer.Typer()


@app.command(
    epilog="Examples: `ezsd-cli train --set train.schedule.epochs=12`, "
    "`torchrun --nproc-per-node 4 --no-python ezsd-cli train`"
)
def train(
    force: Force = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a finished detector of other params, code or targets.")
    ] = False,
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Train the detector on the cached targets; under torchrun, processes share each batch."""
    from ezsd.pipeline.graph import STAGES
    from ezsd.pipeline.processes import join_processes
    from ezsd.pipeline.runner import require_replaceable

    loaded, root = open_run(params, overrides)
    if not force and not replace:
        require_replaceable(STAGES, "train", loaded, root)
    with join_processes(loaded.run) as processes:
        run_stage("train", loaded, root, force, processes)
