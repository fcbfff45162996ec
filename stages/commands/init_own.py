"""`ezsd-cli init-own`: a params file for the user's own photos and boxes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ezsd.stages.commands.options import DEFAULT_PARAMS, ParamsPath, Replace, params_file, root_of, say

if TYPE_CHECKING:
    from ezsd.pipeline.fit import Tree
    from ezsd.pipeline.hold_out import Division
    from ezsd.pipeline.own_data import OwnData

app = typer.Typer()

PROBE_SECONDS, SIZE_SECONDS = 12.0, 6.0
"""Limits for measuring the machine with `--time-budget`: once, and for each size that is tried."""


@app.command("init-own", epilog="Example: `ezsd-cli init-own --photos p --annotations b.json --novel n.txt`")
def init_own(
    annotations: Annotated[
        Path,
        typer.Option(
            help="Boxes: a COCO file, a YOLO `data.yaml`, or a folder of VOC's XML files.", metavar="PATH"
        ),
    ],
    novel: Annotated[
        str, typer.Option(help="Novel names: a file with one name per line, or `spoon, ladle`.")
    ],
    base: Annotated[
        str | None, typer.Option(help="Base names, likewise; default: all other names of the annotations.")
    ] = None,
    photos: Annotated[
        Path | None, typer.Option(help="Folder of the photos; YOLO's `data.yaml` knows it.", metavar="FOLDER")
    ] = None,
    val_fraction: Annotated[
        float | None,
        typer.Option(
            help="Fraction of the photos held out for validation; default: those of `data.yaml`, or 0.2.",
            min=0.01,
            max=0.9,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draw of validation photos.", min=0)] = 0,
    schedule: Annotated[str | None, typer.Option(help="One of 1x, 3x, lvis-48e, demo; default 3x.")] = None,
    time_budget: Annotated[
        str | None,
        typer.Option(
            help="Time for the whole run on this machine, as 90m or 1h30m: sizes the recipe.", metavar="TIME"
        ),
    ] = None,
    params: ParamsPath = DEFAULT_PARAMS,
    force: Replace = False,
) -> None:
    """Write params for your own photos, and `dvc.yaml`; one photo in five is held out for validation."""
    from ezsd.pipeline.init import write_project
    from ezsd.pipeline.own_data import Shown, choose_own, own_params, own_text, read_names, write_own
    from ezsd.pipeline.plan.budget import parse_budget

    budget = None if time_budget is None else parse_budget(time_budget)
    names = None if base is None else read_names(base)
    folder = None if photos is None else photos.resolve()
    own = choose_own(folder, annotations, names, read_names(novel))
    division = _divide(own, val_fraction, seed)
    file, shown = params_file(params), Shown.of(own, division)
    tree = own_params(own, schedule, shown)
    if budget is not None:
        tree = _fit(tree, division, shown.photos, budget)
    write_project(file, own_text(tree, shown.photos), force)
    write_own(division, root_of(params))
    say(
        f"{file}: {len(own.split.base)} base and {len(own.split.novel)} novel names; "
        f"{len(division.train['images'])} photos to train on and {len(division.val['images'])} to validate on"
    )
    for sentence in _unscored(own, division):
        say(sentence)


def _divide(own: "OwnData", fraction: float | None, seed: int) -> "Division":
    from ezsd.pipeline.hold_out import divide, hold_out

    if own.held and fraction is None:
        return divide(own.file, own.split, own.held)
    return hold_out(own.file, own.split, 0.2 if fraction is None else fraction, seed)


def _fit(tree: "Tree", division: "Division", photos: int, budget: float) -> "Tree":
    """The recipe in a size that keeps the budget on this machine; prints what was chosen."""
    from tempfile import TemporaryDirectory

    from ezsd.pipeline.own_data import write_own
    from ezsd.pipeline.params import tree_params
    from ezsd.pipeline.plan.budget import fit_to_budget, fitted_text
    from ezsd.pipeline.plan.estimate import Estimate

    with TemporaryDirectory(prefix="ezsd-plan-") as name:
        root = Path(name)
        write_own(division, root)
        estimate = Estimate(tree_params(tree), root)
        estimate.measure_shared(PROBE_SECONDS)
        fitted = fit_to_budget(tree, photos, budget, lambda sized: estimate.seconds(sized, SIZE_SECONDS))
    say(fitted_text(fitted, budget))
    return fitted.tree


def _unscored(own: "OwnData", division: "Division") -> list[str]:
    """A sentence for the names without a validation box, and one for each that may be misspelt."""
    from ezsd.pipeline.data.views import did_you_mean

    if not division.unscored:
        return []
    known = {category.name for category in own.file.categories()}
    others = known - set(own.split.names)
    misspelt = [(name, did_you_mean(name, others)) for name in division.unscored if name not in known]
    return [
        f"without a validation box, so without an AP: {', '.join(division.unscored)}",
        *(f"{name!r} is not in the annotations{hint}" for name, hint in misspelt if hint),
    ]
