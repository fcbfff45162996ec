"""`ezsd-cli cache`: the precomputed artifacts as one file, for another machine."""

from pathlib import Path
from typing import Annotated

import typer

from ezsd.stages.commands.options import DEFAULT_PARAMS, Overrides, ParamsPath, open_run, say

app = typer.Typer(
    name="cache", no_args_is_help=True, help="Move the precomputed artifacts to another machine as one file."
)


@app.command("export", epilog="Example: `ezsd-cli cache export --hdf5 precomputed.h5`")
def export_file(
    hdf5: Annotated[Path, typer.Option(help="The file to write.", metavar="FILE")],
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Write all artifacts that training reads, with their manifests, into one HDF5 file."""
    from ezsd.pipeline.graph import PRECOMPUTE, STAGES
    from ezsd.pipeline.transfer import export_stages

    size = export_stages(STAGES, PRECOMPUTE, *open_run(params, overrides), hdf5)
    say(f"{hdf5}: {', '.join(PRECOMPUTE)}, {size:,} bytes")


@app.command("import", epilog="Example: `ezsd-cli cache import precomputed.h5`")
def import_file(
    hdf5: Annotated[Path, typer.Argument(help="A file written by `cache export`.", metavar="FILE")],
    force: Annotated[bool, typer.Option("--force", help="Replace artifacts that differ.")] = False,
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Unpack the artifacts of a file, byte for byte as the stages wrote them."""
    from ezsd.cache.errors import ArtifactError
    from ezsd.pipeline.graph import PRECOMPUTE, STAGES
    from ezsd.pipeline.runner import require_current
    from ezsd.pipeline.transfer import import_stages

    loaded, root = open_run(params, overrides)
    done = import_stages(PRECOMPUTE, root, hdf5, force, loaded.run.stores)
    say(f"imported {', '.join(done)}" if done else "all artifacts are already here")
    for name in done:
        try:
            require_current(STAGES, name, loaded, root)
        except ArtifactError as error:
            say(f"imported, but not usable here: {error}")
            raise typer.Exit(1) from None
