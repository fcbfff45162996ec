"""`ezsd-cli predict`: detects any names in any photos."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ezsd.errors import InputError
from ezsd.stages.commands.options import (
    DEFAULT_PARAMS,
    AsJson,
    Best,
    Overrides,
    ParamsPath,
    open_run,
    say,
)

if TYPE_CHECKING:
    from torch import Tensor

    from ezsd.api.detector import Detector
    from ezsd.evaluation.config import EnsembleConfig
    from ezsd.stages.pages.predictions import Prediction

app = typer.Typer()

DEFAULT_THRESHOLD = 0.3
Format = StrEnum("Format", ["json", "coco", "yolo", "csv"])


@app.command(epilog='Example: `ezsd-cli predict photos/ --names "striped fish, dotted kite" --format coco`')
def predict(
    images: Annotated[
        list[str],
        typer.Argument(help="Photos, videos, folders of them, and globs in quotes.", metavar="PHOTOS..."),
    ],
    names: Annotated[
        str | None,
        typer.Option(
            help="Names to detect: `cup, fork`, a file with one a line, or the .npz of `embed-names`; "
            "default: the split's."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for boxes and drawings.")] = Path("predictions"),
    form: Annotated[Format, typer.Option("--format", help="Format of the boxes.")] = Format.json,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            help="Lowest score, or that of one name: `0.5`, `cup=0.7`; repeatable.", metavar="SCORE"
        ),
    ] = None,
    best: Best = 20,
    crops: Annotated[bool, typer.Option("--crops", help="Also write what is in each box.")] = False,
    draw: Annotated[bool, typer.Option("--draw/--no-draw", help="Draw the boxes on the photos.")] = True,
    every: Annotated[int, typer.Option(help="Of a video, take one frame in this many.", min=1)] = 1,
    batch: Annotated[
        int | None, typer.Option(help="Photos in memory at once; default: 8 on a GPU, else 1.", min=1)
    ] = None,
    ensemble: Annotated[
        bool,
        typer.Option("--ensemble", help="Let the teacher score each box too: better, and slower."),
    ] = False,
    detector: Annotated[
        Path | None,
        typer.Option(help="A run, its artifacts/train, or a detector.safetensors; needs no params."),
    ] = None,
    as_json: AsJson = False,
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Detect any names in photos and videos with a trained detector."""
    from ezsd.photo_files import count_photos, find_files
    from ezsd.pipeline.progress import show_progress
    from ezsd.stages.pages import prediction_files, predictions

    lowest, of_names = read_thresholds(threshold or ())
    files = find_files(images)
    if form is Format.yolo:
        prediction_files.check_label_files(files)
    finder, weights = _open_detector(detector, params, overrides)
    chosen, text = (finder.names, None) if names is None else _read_names(names)
    wanted = predictions.Wanted(chosen, lowest, of_names, best, text, weights if ensemble else None)
    outputs = [prediction_files.FORMATS[form]]
    outputs += [prediction_files.drawings] * draw + [prediction_files.crops] * crops
    unreadable: list[InputError] = []
    found = predictions.predict(finder, files, wanted, every, batch or finder.batch, unreadable.append)
    photos = boxes = 0
    with ExitStack() as stack:
        takes = [stack.enter_context(output(out, chosen)) for output in outputs]
        takes.append(stack.enter_context(_as_json() if as_json else _as_text()))
        progress = stack.enter_context(show_progress("predict", count_photos(files, every), "photos"))
        for one in found:
            for take in takes:
                take(one)
            photos, boxes = photos + 1, boxes + len(one.detections)
            progress.advance(1)
    say(f"{boxes} found in {photos} photos: {out}")
    _report(unreadable, photos)


def _read_names(given: str) -> "tuple[tuple[str, ...], Tensor | None]":
    """Names, and their embeddings if the file has them."""
    from ezsd.pipeline.models.vocabulary import check_names, read_embeddings
    from ezsd.pipeline.own_data import read_names

    return read_embeddings(Path(given)) if given.endswith(".npz") else (check_names(read_names(given)), None)


def read_thresholds(given: Sequence[str]) -> tuple[float, dict[str, float]]:
    """The threshold of all names, and those of single names: `["0.5", "cup=0.7"]` -> `0.5, {"cup": 0.7}`."""
    general, of_names = DEFAULT_THRESHOLD, {}
    for text in given:
        name, equals, number = text.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            value = -1.0
        if not 0 <= value <= 1:
            raise InputError(f"--threshold {text!r}: give a score from 0 to 1, or NAME=SCORE")
        if equals:
            of_names[name.strip()] = value
        else:
            general = value
    return general, of_names


def prediction_text(prediction: "Prediction") -> str:
    """`a.jpg: 2 cup (best 0.87), 1 fork (0.66)`; without any, the best score below the threshold."""
    from ezsd.pipeline.errors import sentence

    counts: Counter[str] = Counter()
    best: dict[str, float] = {}
    for box in prediction.detections:
        counts[box["name"]] += 1
        best.setdefault(box["name"], box["score"])
    parts = [
        f"{count} {name} ({'best ' if count > 1 else ''}{best[name]:.2f})" for name, count in counts.items()
    ]
    if not parts:
        parts = ["0 found"]
        if prediction.nearly is not None:
            name, score = prediction.nearly
            parts.append(f"best below the threshold: {name} {score:.3g}")
    return f"{sentence(prediction.photo.name)}: {', '.join(parts)}"


def _open_detector(
    detector: Path | None, params: Path, overrides: Sequence[str] | None
) -> "tuple[Detector, EnsembleConfig]":
    """The detector, and the weights of an ensemble: the run's, or ViLD's where its evaluation has none."""
    from ezsd.api.loading import load_detector
    from ezsd.evaluation.config import EnsembleConfig
    from ezsd.stages.pages.predictions import open_detector

    if detector is None:
        run, root = open_run(params, overrides)
        return open_detector(run, root), run.evaluate.ensemble or EnsembleConfig()
    if overrides:
        raise InputError("--set changes params, which --detector does not need: leave out one of them")
    return load_detector(detector), EnsembleConfig()


@contextmanager
def _as_text() -> Iterator[Callable[["Prediction"], None]]:
    yield lambda prediction: print(prediction_text(prediction), flush=True)


@contextmanager
def _as_json() -> Iterator[Callable[["Prediction"], None]]:
    from ezsd.stages.pages.prediction_files import json_list

    with json_list(sys.stdout) as add:
        yield lambda prediction: add(prediction.record())
    print()


def _report(unreadable: Sequence[InputError], photos: int) -> None:
    """List the files that could not be read; an error if there was no other."""
    from ezsd.pipeline.errors import sentence

    if not unreadable:
        return
    say(f"{len(unreadable)} files could not be read:")
    for error in unreadable:
        say(f"  {sentence(error)}")
    if not photos:
        raise InputError("no photo could be read: correct the files above")
