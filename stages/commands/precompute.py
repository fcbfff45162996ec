"""`ezsd-cli precompute`: the stages before training."""

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


@app.command(epilog="Example: `ezsd-cli precompute --only mine --set mine.keep=100`")
def precompute(
    only: Annotated[
        str | None, typer.Option(help="One of prepare, renorm, mine, embed, pseudo.", metavar="STAGE")
    ] = None,
    force: Force = False,
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Make what training reads: index, re-normalized teacher, proposals, embeddings, pseudo boxes."""
    from ezsd.pipeline.external import require_weights
    from ezsd.pipeline.graph import PRECOMPUTE

    if only is not None and only not in PRECOMPUTE:
        raise typer.BadParameter(f"{only!r} is none of {', '.join(PRECOMPUTE)}", param_hint="--only")
    loaded, root = open_run(params, overrides)
    if only in (None, PRECOMPUTE[0]):
        require_weights(loaded, root)
    for name in [only] if only else PRECOMPUTE:
        run_stage(name, loaded, root, force)
