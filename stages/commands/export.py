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
    split_names,
)

app = typer.Typer()


@app.command(epilog="Example: `ezsd-cli export --out detector.onnx`")
def export(
    out: Annotated[Path, typer.Option(help="The ONNX file; a JSON file beside it describes its use.")],
    names: Annotated[
        str | None,
        typer.Option(help="Names to detect, separated by commas, trained or not; default: the split's."),
    ] = None,
    threshold: Threshold = 0.05,
    best: Best = 100,
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Export the trained detector to ONNX."""
    from ezsd.detector.config import Selection
    from ezsd.pipeline.models import onnx_export

    loaded, root = open_run(params, overrides)
    selection = Selection(score_threshold=threshold, detections_per_image=best)
    card = onnx_export.export(out, split_names(names), loaded, root, selection)
    say(f"model: {out}, described in {card}")
