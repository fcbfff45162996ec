"""`ezsd-cli data`: checks the user's data before anything is made from them."""

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

app = typer.Typer(name="data", no_args_is_help=True, help="Check photos and annotations.")


@app.callback()
def _root() -> None:
    """Without this callback, typer would drop the name of the only command."""


@app.command(epilog="Example: `ezsd-cli data check --out data-check`")
def check(
    out: Annotated[Path | None, typer.Option(help="Folder for a page with pictures.", metavar="DIR")] = None,
    as_json: AsJson = False,
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Count photos and boxes, and list problems; exit code 1 if a problem would stop the pipeline."""
    from ezsd.pipeline.data_check.check import check_sources, data_sources
    from ezsd.stages.pages.data_check import PAGE, report_text, require_own_folder, write_page

    loaded, root = open_run(params, overrides)
    if out is not None:
        require_own_folder(out)
    sources = data_sources(loaded, root)
    report = check_sources(loaded, root, sources)
    show(report.as_json(), report_text(report), as_json)
    if out is not None:
        write_page(report, sources, out)
        say(f"page: {out / PAGE}")
    if report.stops:
        raise typer.Exit(1)
