"""`ezsd-cli inspect`: shows what the artifacts hold."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ezsd.stages.commands.options import (
    DEFAULT_PARAMS,
    AsJson,
    Overrides,
    ParamsPath,
    open_run,
    root_of,
    say,
    show,
)

if TYPE_CHECKING:
    from PIL.Image import Image

app = typer.Typer()


@app.command(
    epilog="Examples: `ezsd-cli inspect mine --image 1000001 --png proposals.png`, "
    "`ezsd-cli inspect proposals`, `ezsd-cli inspect proposals --find 'red mug' --out found.html`"
)
def inspect(
    stage: Annotated[
        str | None,
        typer.Argument(
            help="Stage to show in detail, or `proposals` for a page to browse them; default: a summary."
        ),
    ] = None,
    image: Annotated[
        int | None,
        typer.Option(help="Id of a training photo: list its proposals, or with `pseudo` its pseudo boxes."),
    ] = None,
    png: Annotated[
        Path | None,
        typer.Option(help="Draw the photo's boxes, or what `renorm` changed.", metavar="FILE"),
    ] = None,
    find: Annotated[
        str | None,
        typer.Option(help="`proposals`: list those most like these words.", metavar="WORDS"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="`proposals`: folder of the page, `proposals` beside params.yaml by default; "
            "with `--find`: also show what was found on this page.",
            metavar="FOLDER|FILE.html",
        ),
    ] = None,
    photos: Annotated[
        int, typer.Option(help="`proposals`: at most this many photos, evenly spaced.", min=1)
    ] = 10_000,
    best: Annotated[int, typer.Option(help="`proposals`: at most this many of each photo.", min=1)] = 20,
    as_json: AsJson = False,
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Show what the artifacts hold: counts, shapes, scores, the proposals or pseudo boxes of a photo."""
    if find is not None:
        if stage != "proposals":
            raise typer.BadParameter("it searches proposals: inspect proposals", param_hint="--find")
        _find_proposals(params, overrides, find, best, out, as_json)
    elif stage == "proposals":
        _browse_proposals(params, overrides, out, photos, best)
    elif image is not None:
        _inspect_image(params, overrides, stage, image, png, as_json)
    elif stage is not None:
        _inspect_stage(root_of(params), stage, png, as_json)
    else:
        _inspect_all(root_of(params), as_json)


def _inspect_all(root: Path, as_json: bool) -> None:
    from ezsd.stages.pages.inspection_text import inspect_summary, summary_text

    summary = inspect_summary(root)
    show(summary, summary_text(summary), as_json)


def _inspect_stage(root: Path, stage: str, png: Path | None, as_json: bool) -> None:
    from ezsd.stages.pages.inspection import draw_renorm, inspect_stage
    from ezsd.stages.pages.inspection_text import stage_text

    if png is not None and stage != "renorm":
        raise typer.BadParameter("give --image ID, or inspect renorm", param_hint="--png")
    details = inspect_stage(root, stage)
    show(details, stage_text(details), as_json)
    if png is not None:
        _write_png(png, draw_renorm(root))


def _inspect_image(
    params: Path, overrides: list[str] | None, stage: str | None, image: int, png: Path | None, as_json: bool
) -> None:
    from ezsd.stages.pages.inspection_text import image_text
    from ezsd.stages.pages.photo_details import draw_image_proposals, inspect_image, inspect_pseudo_image

    root = root_of(params)
    photo = (inspect_pseudo_image if stage == "pseudo" else inspect_image)(root, image)
    show(photo.as_json(), image_text(photo), as_json)
    if png is not None:
        loaded, _ = open_run(params, overrides)
        _write_png(png, draw_image_proposals(root, loaded, photo))


def _find_proposals(
    params: Path, overrides: list[str] | None, words: str, best: int, out: Path | None, as_json: bool
) -> None:
    from ezsd.stages.pages.links import browser_page
    from ezsd.stages.pages.proposals.found import found_text, write_found
    from ezsd.stages.pages.proposals.search import find_boxes

    if out is not None and (out.suffix != ".html" or out.is_dir()):
        raise typer.BadParameter("give the page to write, such as found.html", param_hint="--out")
    loaded, root = open_run(params, overrides)
    search = find_boxes(loaded, root, words, best)
    show(search.as_json(), found_text(search), as_json)
    if out is not None:
        write_found(out, search, loaded, root, browser_page(root))
        say(f"page: {out}")


def _browse_proposals(
    params: Path, overrides: list[str] | None, out: Path | None, photos: int, best: int
) -> None:
    from ezsd.stages.pages.links import browser_page
    from ezsd.stages.pages.proposals.browser import Extent, write_browser

    loaded, root = open_run(params, overrides)
    out = out or browser_page(root).parent
    problem = write_browser(loaded, root, out, Extent(photos, best))
    if problem is not None:
        say(f"nearest names and neighbours are left out: {problem}")
    say(f"page: {out / 'index.html'}")


def _write_png(path: Path, picture: "Image") -> None:
    from ezsd.cache.atomic import write_bytes_atomic

    encoded = io.BytesIO()
    picture.save(encoded, format="PNG")
    write_bytes_atomic(path, encoded.getvalue())
    say(f"picture: {path}")
