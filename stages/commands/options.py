"""What several commands of `ezsd-cli` share."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ezsd.pipeline.params import PARAMS_FILE

ParamsPath = Annotated[
    Path, typer.Option("--params", help="The params file; its folder is the root of the run.", metavar="FILE")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override a key for this run, e.g. `mine.nms_iou=0.6`.", metavar="KEY=VALUE"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Force = Annotated[bool, typer.Option("--force", help="Make it again even if it is current.")]

DEFAULT_PARAMS = Path(PARAMS_FILE)


def root_of(params: Path) -> Path:
    """The root of the run: the folder of its params file."""
    return params.resolve().parent


def say(sentence: str) -> None:
    """Tell a person; standard output is for what was asked for."""
    print(sentence, file=sys.stderr, flush=True)
