"""`ezsd-cli data`: looks at the user's data before anything is made from them."""

from pathlib import Path
from typing import Annotated

import typer

from ezsd.stages.commands.options import (
    DEFAULT_PARAMS,
    AsJson,
    Overrides,
    ParamsPath,
    open_run,
    say,
    show,
)

app = typer.Typer(name="data", no_args_is_help=True, help="Look at the data that the params point at.")


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
    from ezsd.pipeline.data_check.check import check_sources, data_sources
    from ezsd.stages.pages.data_check.page import PAGE, report_text, require_own_folder, write_page

    loaded, root = open_run(params, overrides)
    if out is not None:
        require_own_folder(out)
    sources = data_sources(loaded, root)
    report = check_sources(loaded, root, sources)
    show(report.as_json(), report_text(report), as_json)
    if out is not None:
        write_page(report, sources, out)
        say(f"look at {out / PAGE}")
    if report.stops:
        raise typer.Exit(1)
