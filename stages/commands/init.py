"""`ezsd-cli init`: a params file from a preset."""

from pathlib import Path
from typing import Annotated

import typer

from ezsd.stages.commands.options import DEFAULT_PARAMS, ParamsPath, Replace, params_file, say

app = typer.Typer()


@app.command(epilog="Example: `ezsd-cli init --preset coco --data /data/coco`")
def init(
    preset: Annotated[str, typer.Option(help="One of demo, long-tail, coco, lvis, voc.")] = "demo",
    data: Annotated[Path | None, typer.Option(help="Folder of the data set, in its official layout.")] = None,
    schedule: Annotated[
        str | None, typer.Option(help="One of 1x, 3x, lvis-48e, demo; default: that of the preset.")
    ] = None,
    recipe: Annotated[
        str,
        typer.Option(
            help="fast; paper: exhaustive mining and a plain re-normalization, docs/fidelity.md; or beyond: "
            "fast, and the teacher scores detections too."
        ),
    ] = "fast",
    images_per_step: Annotated[
        int | None,
        typer.Option(help="Images of a training step; the learning rate follows in proportion.", min=1),
    ] = None,
    params: ParamsPath = DEFAULT_PARAMS,
    force: Replace = False,
    show: Annotated[bool, typer.Option("--print", help="Print the file instead of writing it.")] = False,
) -> None:
    """Write a params file from a preset, and `dvc.yaml` beside it."""
    from ezsd.pipeline.init import render_preset, write_project

    text = render_preset(preset, data, schedule, recipe, images_per_step)
    if show:
        print(text, end="")
        return
    file = params_file(params)
    write_project(file, text, force)
    say(f"{file}: preset {preset}{'' if recipe == 'fast' else f', recipe {recipe}'}")
    if images_per_step is not None:
        from ezsd.pipeline.params import parse_params

        rate = parse_params(text).train.schedule.learning_rate
        say(f"{file}: {images_per_step} images a step, learning rate {rate:g} in proportion")
