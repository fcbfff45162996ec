"""`ezsd-cli compare`: runs beside each other and beside what was published."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ezsd.stages.commands.options import AsJson, say, show

if TYPE_CHECKING:
    from ezsd.stages.pages.comparison.tables import Comparison

app = typer.Typer()


@app.command(epilog="Example: `ezsd-cli compare runs/a runs/b --out comparison.md`")
def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Folders of evaluated runs, or their metrics.json.", metavar="RUN..."),
    ],
    mixed: Annotated[
        bool,
        typer.Option("--mixed", help="Also what differs in protocol, split or photos, in tables of its own."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the tables here, and a plot beside it as SVG.", metavar="FILE.md"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set runs beside each other and beside published results that answer the same question."""
    from ezsd.stages.pages.comparison import tables
    from ezsd.stages.pages.comparison.results import read_published, read_run
    from ezsd.stages.pages.comparison.text import comparison_text, plain_values

    if out is not None and out == plot_beside(out):
        raise typer.BadParameter("name a Markdown file; the plot is written beside it", param_hint="--out")
    results = [read_run(path) for path in runs]
    comparison = (tables.compare_mixed if mixed else tables.compare)(results, read_published())
    if out is not None:
        write_comparison(out, comparison)
        say(f"look at {out} and {plot_beside(out)}")
    if as_json or out is None:
        show(plain_values(comparison), comparison_text(comparison), as_json)


def write_comparison(out: Path, comparison: "Comparison") -> None:
    """Write the Markdown, which shows the plot, and the plot beside it."""
    from ezsd.cache.atomic import write_bytes_atomic
    from ezsd.stages.pages.comparison.plot import comparison_plot
    from ezsd.stages.pages.comparison.text import comparison_text

    plot = plot_beside(out)
    write_bytes_atomic(plot, comparison_plot(comparison).encode())
    picture = f"![AP of runs and of published results]({plot.name})"
    text = "\n\n".join(["# Comparison", picture, comparison_text(comparison)])
    write_bytes_atomic(out, f"{text}\n".encode())


def plot_beside(out: Path) -> Path:
    """`results.md` -> `results.svg`."""
    return out.with_suffix(".svg")
