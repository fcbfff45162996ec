"""`ezsd-cli export`: the trained detector as an ONNX model."""

from pathlib import Path
from typing import Annotated

import typer

from ezsd.stages.commands.options import (
    DEFAULT_PARAMS,
    Best,
    Overrides,
    ParamsPath,
    Threshold,
    open_run,
    say,
)

app = typer.Typer()


@app.command(epilog="Example: `ezsd-cli export --out detector.onnx`")
def export(
    out: Annotated[Path, typer.Option(help="The ONNX file; beside it come NAME.npz and NAME.json.")],
    names: Annotated[
        str | None,
        typer.Option(help="Names of NAME.npz, `cup, fork` or a file with one a line; default: the split's."),
    ] = None,
    threshold: Threshold = 0.05,
    best: Best = 100,
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Export the trained detector to ONNX."""
    from ezsd.detector.config import Selection
    from ezsd.pipeline.models import onnx_export
    from ezsd.pipeline.own_data import read_names

    loaded, root = open_run(params, overrides)
    selection = Selection(score_threshold=threshold, detections_per_image=best)
    card = onnx_export.export(out, None if names is None else read_names(names), loaded, root, selection)
    say(f"model: {out}, embeddings of names: {out.with_suffix('.npz')}, description: {card}")
