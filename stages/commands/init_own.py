"""`ezsd-cli init-own`: a params file for the user's own photos and boxes."""

from pathlib import Path
from typing import Annotated

import typer

from ezsd.stages.commands.options import DEFAULT_PARAMS, ParamsPath, Replace, params_file, root_of, say

app = typer.Typer()


@app.command("init-own", epilog="Example: `ezsd-cli init-own --photos p --annotations b.json --novel n.txt`")
def init_own(
    photos: Annotated[Path, typer.Option(help="Folder of the photos.", metavar="FOLDER")],
    annotations: Annotated[Path, typer.Option(help="Boxes in COCO's format.", metavar="FILE")],
    novel: Annotated[
        str, typer.Option(help="Novel names: a file with one name per line, or `spoon, ladle`.")
    ],
    base: Annotated[
        str | None, typer.Option(help="Base names, likewise; default: all other names of the annotations.")
    ] = None,
    schedule: Annotated[str | None, typer.Option(help="One of 1x, 3x, lvis-48e, demo; default 3x.")] = None,
    params: ParamsPath = DEFAULT_PARAMS,
    force: Replace = False,
) -> None:
    """Write params for your own photos, and `dvc.yaml`; one photo in five is held out for validation."""
    from ezsd.pipeline.init import write_project
    from ezsd.pipeline.own_data import choose_own, hold_out, own_params, read_names, write_own

    names = None if base is None else read_names(base)
    own = choose_own(photos.resolve(), annotations, names, read_names(novel))
    parts = hold_out(own.annotations)
    file = params_file(params)
    write_project(file, own_params(own, schedule), force)
    write_own(parts, root_of(params))
    say(f"{file}: {len(own.split.base)} base and {len(own.split.novel)} novel names")
