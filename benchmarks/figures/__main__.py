"""Draw the pictures of `docs/method.md` and `docs/world.md`: `python -m benchmarks.figures RUN docs/figures`.

RUN is the folder of a finished `make demo`, with `params.yaml` and `artifacts/`. The same run gives the same
pixels. `pipeline.svg` and `regressor.svg` are drawn by hand.
"""

import io
from pathlib import Path
from typing import Annotated

import torch
import typer
from PIL import Image

from benchmarks.figures import proposals, renormalization, world
from benchmarks.figures.finished_run import open_run
from ezsd.cache.atomic import write_bytes_atomic
from ezsd.pipeline.device import one_thread

FIGURES = {
    "renormalization": renormalization.draw,
    "proposals": proposals.draw,
    "world": world.draw,
}
COLOURS = 256
"""Colours of a picture's palette: enough for drawn scenes, at a third of the bytes."""


def main(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run on the embedded world.")],
    out: Annotated[Path, typer.Argument(help="Where the pictures go.")],
) -> None:
    """Draw the pictures from a finished run."""
    finished = open_run(run)
    with one_thread(), torch.inference_mode():
        for name, draw in FIGURES.items():
            data = encode_png(draw(finished))
            write_bytes_atomic(out / f"{name}.png", data)
            typer.echo(f"{out / name}.png: {len(data) / 1024:.0f} KiB")


def encode_png(picture: Image.Image) -> bytes:
    """Encode the picture as a small PNG with a palette."""
    data = io.BytesIO()
    picture.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
        data, "PNG", optimize=True
    )
    return data.getvalue()


if __name__ == "__main__":
    typer.run(main)
