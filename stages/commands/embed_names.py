"""`ezsd-cli embed-names`: names to text embeddings, for an exported detector or one without its teacher."""

from pathlib import Path
from typing import Annotated

import typer

from ezsd.stages.commands.options import DEFAULT_PARAMS, Overrides, ParamsPath, open_run, say

app = typer.Typer()


@app.command("embed-names", epilog='Example: `ezsd-cli embed-names --names "spoon, ladle" --out cutlery.npz`')
def embed_names(
    names: Annotated[str, typer.Option(help="Names, `cup, fork` or a file with one a line.")],
    out: Annotated[Path, typer.Option(help="The .npz file: `names` and `text_embeddings`.")],
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Embed names as the trained detector expects them."""
    from ezsd.pipeline.models.vocabulary import check_names, write_embeddings
    from ezsd.pipeline.own_data import read_names
    from ezsd.stages.pages.predictions import open_detector

    detector = open_detector(*open_run(params, overrides))
    chosen = check_names(read_names(names))
    write_embeddings(out, chosen, detector.embed(chosen))
    say(f"{len(chosen)} names: {out}")
