"""`ezsd-cli compare`: results of runs beside each other and beside the literature."""

from pathlib import Path
from typing import Annotated

import typer

from ezsd.stages.commands.options import AsJson, say, show

app = typer.Typer()


@app.command(epilog="Example: `ezsd-cli compare runs/a runs/b --out comparison.md`")
def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Folders of evaluated runs, or their metrics.json.", metavar="RUN..."),
    ],
    mixed: Annotated[
        bool,
        typer.Option("--mixed", help="Allow different protocols, splits or photos, each in its own table."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the tables to this file, and a plot beside it as SVG.", metavar="FILE.md"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare runs with each other and with published results of the same split and protocol."""
    from ezsd.stages.pages import comparison
    from ezsd.stages.pages.comparison_text import comparison_text, plain_values, plot_beside, write_comparison

    if out is not None and out == plot_beside(out):
        raise typer.BadParameter("give a Markdown file; the SVG is written beside it", param_hint="--out")
    results = [comparison.read_run(path) for path in runs]
    join = comparison.compare_mixed if mixed else comparison.compare
    compared = join(results, comparison.read_published())
    if out is not None:
        write_comparison(out, compared)
        say(f"tables: {out}, plot: {plot_beside(out)}")
    if as_json or out is None:
        show(plain_values(compared), comparison_text(compared), as_json)
