"""`ezsd-cli predict`: detects any names in any photos."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ezsd.stages.commands.options import (
    DEFAULT_PARAMS,
    AsJson,
    Best,
    Overrides,
    ParamsPath,
    Threshold,
    open_run,
    say,
    show,
    split_names,
)

if TYPE_CHECKING:
    from ezsd.stages.pages.predictions import Prediction

app = typer.Typer()


@app.command(epilog='Example: `ezsd-cli predict a.jpg b.jpg --names "striped fish, dotted kite"`')
def predict(
    images: Annotated[list[Path], typer.Argument(help="Image files.", metavar="IMAGE...")],
    names: Annotated[
        str | None,
        typer.Option(help="Names to detect, separated by commas, trained or not; default: the split's."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for boxes (JSON) and drawings.")] = Path("predictions"),
    threshold: Threshold = 0.3,
    best: Best = 20,
    as_json: AsJson = False,
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Detect any names in photos with the trained detector."""
    from ezsd.detector.config import Selection
    from ezsd.stages.pages import predictions

    loaded, root = open_run(params, overrides)
    selection = Selection(score_threshold=threshold, detections_per_image=best)
    found = predictions.predict(images, split_names(names), loaded, root, out, selection)
    show(found, prediction_text(found), as_json)
    if not as_json:
        say(f"boxes: {out / predictions.RESULT}, drawings beside it")


def prediction_text(found: "Sequence[Prediction]") -> str:
    """A line for each photo, and one for each box in it."""
    lines = []
    for one in found:
        lines.append(f"{one['photo']}: {len(one['detections'])} detections")
        for box in one["detections"]:
            corners = ", ".join(f"{side:.0f}" for side in box["box_xyxy"])
            lines.append(f"  {box['score']:.2f} {box['name']} at {corners}")
    return "\n".join(lines)
