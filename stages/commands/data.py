"""`ezsd-cli data`: looks at the user's data before anything is made from them."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ezsd.pipeline.params import load_params
from ezsd.stages.commands.options import DEFAULT_PARAMS, AsJson, Overrides, ParamsPath, root_of, say

app = typer.Typer(no_args_is_help=True, help="Look at the data that the params point at.")


@app.callback()
def _root() -> None:
    """Makes `check` a command with a name though it is the only one."""


@app.command(epilog="Example: `ezsd-cli data check --out data-check`")
def check(
    out: Annotated[Path | None, typer.Option(help="Folder for a page with pictures.", metavar="DIR")] = None,
    as_json: AsJson = False,
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Count what is there and find what is wrong; exit code 1 when the pipeline would stop at it."""
    from ezsd.stages.commands.data_check import (
        PAGE,
        check_sources,
        data_sources,
        require_own_folder,
        write_page,
    )
    from ezsd.stages.commands.data_check_text import report_text

    loaded, root = load_params(params, overrides or ()), root_of(params)
    if out is not None:
        require_own_folder(out)
    sources = data_sources(loaded, root)
    report = check_sources(loaded, root, sources)
    print(json.dumps(report.as_json(), indent=1) if as_json else report_text(report))
    if out is not None:
        write_page(report, sources, out)
        say(f"look at {out / PAGE}")
    if report.stops:
        raise typer.Exit(1)
