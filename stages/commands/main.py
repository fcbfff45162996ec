"""`ezsd-cli`: the same functions that the DVC stages call, for people."""

import io
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image

from ezsd.cache.atomic import write_bytes_atomic
from ezsd.cache.errors import ArtifactError
from ezsd.cache.verify import verify as find_problems
from ezsd.errors import InputError
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.graph import PRECOMPUTE, STAGES
from ezsd.pipeline.init import render_preset, write_params
from ezsd.pipeline.outside import require_watched
from ezsd.pipeline.params import Params, load_params
from ezsd.pipeline.processes import ALONE, Processes, join_processes
from ezsd.pipeline.runner import artifact_folder, command_of, require_current, run_stage
from ezsd.stages.commands.cache import app as cache_app
from ezsd.stages.commands.compare import compare_runs
from ezsd.stages.commands.data import app as data_app
from ezsd.stages.commands.init_own import init_own
from ezsd.stages.commands.options import DEFAULT_PARAMS, AsJson, Force, Overrides, ParamsPath
from ezsd.stages.commands.options import root_of as _root_of
from ezsd.stages.commands.options import say as _say

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Zero-shot detection from cached CLIP targets: precompute once, train shortly.",
    epilog="Start with `ezsd-cli init --preset demo`, then `ezsd-cli precompute`, `train`, `eval`, `report`.",
)

USER_ERRORS = (ArtifactError, InputError, PipelineError)

app.add_typer(cache_app, name="cache")
app.command("init-own", epilog="Example: `ezsd-cli init-own --photos p --annotations b.json --novel n.txt`")(
    init_own
)
app.add_typer(data_app, name="data")
app.command("compare", epilog="Example: `ezsd-cli compare runs/a runs/b --out comparison.md`")(compare_runs)


@app.callback()
def _root(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    pass


@app.command(epilog="Example: `ezsd-cli init --preset coco --data /data/coco`")
def init(
    preset: Annotated[str, typer.Option(help="demo, long-tail, coco, lvis or voc.")] = "demo",
    data: Annotated[Path | None, typer.Option(help="Folder of the data set, in its official layout.")] = None,
    schedule: Annotated[
        str | None, typer.Option(help="1x, 3x, lvis-48e or demo; the preset's own by default.")
    ] = None,
    params: ParamsPath = DEFAULT_PARAMS,
    force: Annotated[bool, typer.Option("--force", help="Replace a params file that differs.")] = False,
    show: Annotated[bool, typer.Option("--print", help="Print it instead of writing it.")] = False,
) -> None:
    """Write a params file from a preset."""
    text = render_preset(preset, data, schedule)
    if show:
        print(text, end="")
        return
    write_params(params, text, force)
    _say(f"{params}: preset {preset}")


@app.command(epilog="Example: `ezsd-cli plan --set mine.method=exhaustive`")
def plan(as_json: AsJson = False, params: ParamsPath = DEFAULT_PARAMS, overrides: Overrides = None) -> None:
    """Say what each stage will cost, from the annotations and a short probe on this machine."""
    from ezsd.pipeline.plan.estimate import make_plan
    from ezsd.pipeline.plan.text import plan_text

    made = make_plan(load_params(params, overrides or ()), _root_of(params))
    _tell(made.as_json(), plan_text(made), as_json)


@app.command(epilog="`dvc repro` calls it where the params have `run.watch: [files]`.")
def watch(params: ParamsPath = DEFAULT_PARAMS, overrides: Overrides = None) -> None:
    """Note what files outside the project hold, so that DVC sees a change in them."""
    from ezsd.pipeline.watch import note_outside_files

    _say(f"{note_outside_files(load_params(params, overrides or ()), _root_of(params))}: noted")


@app.command(epilog="Example: `ezsd-cli precompute --only mine --set mine.keep=100`")
def precompute(
    only: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(PRECOMPUTE)}.", metavar="STAGE")
    ] = None,
    force: Force = False,
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Make everything that training reads: index, re-normalized teacher, proposals, embeddings."""
    if only is not None and only not in PRECOMPUTE:
        raise typer.BadParameter(f"{only!r} is none of {', '.join(PRECOMPUTE)}", param_hint="--only")
    for name in [only] if only else PRECOMPUTE:
        _run(name, params, overrides, force)


@app.command(
    epilog="Examples: `ezsd-cli train --set train.schedule.epochs=12`, "
    "`torchrun --nproc-per-node 4 --no-python ezsd-cli train`"
)
def train(force: Force = False, params: ParamsPath = DEFAULT_PARAMS, overrides: Overrides = None) -> None:
    """Train the detector from the cached targets; under torchrun several processes share each step."""
    with join_processes(load_params(params, overrides or ()).run) as processes:
        _run("train", params, overrides, force, processes)


@app.command("eval", epilog="Example: `ezsd-cli eval --json`")
def evaluate(
    force: Force = False,
    as_json: AsJson = False,
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Score the detector on base, novel and all names, generalized."""
    _run("evaluate", params, overrides, force)
    show_result(as_json, params)


@app.command("result", epilog="Example: `ezsd-cli result --json`")
def show_result(as_json: AsJson = False, params: ParamsPath = DEFAULT_PARAMS) -> None:
    """Print the table of the last evaluation."""
    path = artifact_folder(_root_of(params), "evaluate") / "metrics.json"
    if not path.is_file():
        raise PipelineError(f"{path} does not exist: run `ezsd-cli eval`")
    from ezsd.stages.report import result_table

    metrics = json.loads(path.read_text(encoding="utf-8"))
    _tell(metrics, result_table(metrics), as_json)


@app.command(epilog="Example: `ezsd-cli report`")
def report(force: Force = False, params: ParamsPath = DEFAULT_PARAMS, overrides: Overrides = None) -> None:
    """Write the page that a person looks at."""
    _run("report", params, overrides, force)
    _say(f"look at {artifact_folder(_root_of(params), 'report') / 'index.html'}")


@app.command(epilog='Example: `ezsd-cli predict a.jpg b.jpg --names "striped fish, dotted kite"`')
def predict(
    images: Annotated[list[Path], typer.Argument(help="Photos to look at.", metavar="IMAGE...")],
    names: Annotated[
        str | None,
        typer.Option(help="Names to look for, separated by commas, also untrained ones; else the split's."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the boxes as JSON and for the drawings.")] = Path(
        "predictions"
    ),
    threshold: Annotated[float, typer.Option(help="Lowest score of a box.", min=0, max=1)] = 0.3,
    best: Annotated[int, typer.Option(help="Most boxes of a photo.", min=1)] = 20,
    as_json: AsJson = False,
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Find any names in photos with the trained detector."""
    from ezsd.detector.config import Selection
    from ezsd.stages.commands.predict import RESULT
    from ezsd.stages.commands.predict import predict as find

    wanted = None if names is None else names.split(",")
    selection = Selection(score_threshold=threshold, detections_per_image=best)
    found = find(images, wanted, load_params(params, overrides or ()), _root_of(params), out, selection)
    if as_json:
        print(json.dumps(found, indent=1))
        return
    for one in found:
        print(f"{one['photo']}: {len(one['detections'])} found")
        for box in one["detections"]:
            corners = ", ".join(f"{side:.0f}" for side in box["box_xyxy"])
            print(f"  {box['score']:.2f} {box['name']} at {corners}")
    _say(f"boxes in {out / RESULT}, drawings beside it")


@app.command(epilog="Example: `ezsd-cli export --out detector.onnx`")
def export(
    out: Annotated[Path, typer.Option(help="The ONNX file; a JSON file beside it says how to use it.")],
    names: Annotated[
        str | None,
        typer.Option(help="Names that it looks for by default, separated by commas; else the split's."),
    ] = None,
    threshold: Annotated[float, typer.Option(help="Lowest score of a box.", min=0, max=1)] = 0.05,
    best: Annotated[int, typer.Option(help="Most boxes of a photo.", min=1)] = 100,
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Write the trained detector as an ONNX model."""
    from ezsd.detector.config import Selection
    from ezsd.stages.commands.export import export as write

    wanted = None if names is None else names.split(",")
    selection = Selection(score_threshold=threshold, detections_per_image=best)
    card = write(out, wanted, load_params(params, overrides or ()), _root_of(params), selection)
    _say(f"{out}: how to use it is in {card}")


@app.command(
    epilog="Examples: `ezsd-cli inspect mine --image 1000001 --png proposals.png`, "
    "`ezsd-cli inspect proposals --out proposals`"
)
def inspect(
    stage: Annotated[
        str | None,
        typer.Argument(
            help="One artifact in detail, or `proposals` for a page to browse them; all in short by default."
        ),
    ] = None,
    image: Annotated[int | None, typer.Option(help="Id of a training photo: list its proposals.")] = None,
    png: Annotated[
        Path | None,
        typer.Option(help="Draw the photo's proposals, or what `renorm` changed.", metavar="FILE"),
    ] = None,
    out: Annotated[Path, typer.Option(help="`proposals`: folder of the page.")] = Path("proposals"),
    photos: Annotated[
        int, typer.Option(help="`proposals`: most photos on the page, evenly spaced.", min=1)
    ] = 10_000,
    best: Annotated[int, typer.Option(help="`proposals`: most of a photo.", min=1)] = 20,
    as_json: AsJson = False,
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Say what is in the artifacts: counts, shapes, scores, one image's proposals."""
    from ezsd.stages.commands import inspect as look
    from ezsd.stages.commands import inspect_text as text

    root = _root_of(params)
    if stage == "proposals":
        _browse(load_params(params, overrides or ()), root, out, photos, best)
    elif image is not None:
        shown = look.inspect_image(root, image)
        _tell(shown.as_json(), text.image_text(shown), as_json)
        if png is not None:
            _draw(png, look.draw_image_proposals(root, load_params(params, overrides or ()), shown))
    elif stage is not None:
        details = look.inspect_stage(root, stage)
        _tell(details, text.stage_text(details), as_json)
        if png is not None and stage == "renorm":
            _draw(png, look.draw_norm_changes(root))
        elif png is not None:
            raise typer.BadParameter("give --image ID, or inspect renorm", param_hint="--png")
    else:
        summary = look.inspect_summary(root)
        _tell(summary, text.summary_text(summary), as_json)


@app.command(epilog="Example: `ezsd-cli verify mine`")
def verify(
    stages: Annotated[
        list[str] | None, typer.Argument(help="Stages to check; by default all there are.")
    ] = None,
    as_json: AsJson = False,
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Check every artifact against its manifest: whole, undamaged, and made from today's params and code."""
    loaded, root = load_params(params, overrides or ()), _root_of(params)
    present = [name for name in STAGES if artifact_folder(root, name).is_dir()]
    problems = {name: _problems(name, loaded, root) for name in _known(stages) or present}
    if as_json:
        print(json.dumps(problems, indent=1))
    else:
        for name, found in problems.items():
            print(f"{name}: {'; '.join(found) if found else 'ok'}")
    if not problems:
        raise PipelineError(f"there are no artifacts in {root / 'artifacts'}: run `ezsd-cli precompute`")
    if any(problems.values()):
        raise typer.Exit(1)


def _problems(name: str, params: Params, root: Path) -> list[str]:
    found = find_problems(artifact_folder(root, name), mend=f"run `ezsd-cli {command_of(name)}`")
    try:
        require_current(STAGES, name, params, root)
    except ArtifactError as error:
        found += [str(error)] if not found else []
    return found


def _known(stages: list[str] | None) -> list[str]:
    for name in stages or []:
        if name not in STAGES:
            raise typer.BadParameter(f"{name!r} is none of {', '.join(STAGES)}")
    return stages or []


def _run(
    name: str, params: Path, overrides: list[str] | None, force: bool, processes: Processes = ALONE
) -> None:
    loaded = load_params(params, overrides or ())
    require_watched(loaded)
    try:
        fresh = run_stage(STAGES, name, loaded, _root_of(params), force, processes)
    except KeyboardInterrupt:
        if not processes.leads:
            sys.exit(130)
        _say(f"{name}: interrupted; what is finished is kept, run the same command again to go on")
        raise
    if processes.leads:
        _say(f"{name}: {'done' if fresh else 'up to date'}")


def _browse(params: Params, root: Path, out: Path, photos: int, best: int) -> None:
    from ezsd.stages.commands.inspect_proposals import Extent, write_browser

    problem = write_browser(params, root, out, Extent(photos, best))
    if problem is not None:
        _say(f"without nearest names and neighbours: {problem}")
    _say(f"look at {out / 'index.html'}")


def _tell(value: Any, text: str, as_json: bool) -> None:
    print(json.dumps(value, indent=1) if as_json else text)


def _draw(path: Path, picture: Image.Image) -> None:
    encoded = io.BytesIO()
    picture.save(encoded, format="PNG")
    write_bytes_atomic(path, encoded.getvalue())
    _say(f"look at {path}")


def main(arguments: list[str] | None = None) -> Any:
    """Runs the command line; a user's error becomes one sentence and exit code 1. Ctrl-C exits with 130."""
    debug = "--debug" in (sys.argv if arguments is None else arguments)
    try:
        return app(arguments)
    except USER_ERRORS as error:
        if debug:
            raise
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
