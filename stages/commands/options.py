"""What the commands of `ezsd-cli` share: options, opening a run, running a stage, printing."""

import difflib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ezsd.pipeline.params import Params
    from ezsd.pipeline.processes import Processes

DEFAULT_PARAMS = Path("params.yaml")

ParamsPath = Annotated[
    Path,
    typer.Option(
        "--params",
        help="The params file, or its folder, the root of the run; `--run NAME` means `runs/NAME`.",
        metavar="FILE",
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override a key, e.g. `mine.nms_iou=0.6`; repeatable.", metavar="KEY=VALUE"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Force = Annotated[bool, typer.Option("--force", help="Run even if the artifact is current.")]
Replace = Annotated[bool, typer.Option("--force", help="Replace files that differ.")]
Best = Annotated[int, typer.Option(help="At most this many boxes per photo.", min=1)]
Threshold = Annotated[float, typer.Option(help="Lowest score of a box.", min=0, max=1)]


def params_file(params: Path) -> Path:
    """The params file that `--params` names; a folder stands for the `params.yaml` in it."""
    return params / DEFAULT_PARAMS if params.is_dir() else params


def root_of(params: Path) -> Path:
    """The root of the run: the folder of its params file."""
    return params_file(params).resolve().parent


def open_run(params: Path, overrides: Sequence[str] | None) -> "tuple[Params, Path]":
    """Load the params of a run; returns them and the root.

    Raises:
        ParamsError: the file or an override is wrong; the sentence says which of the two.
    """
    from ezsd.pipeline.errors import ParamsError
    from ezsd.pipeline.params import load_params

    file = params_file(params)
    try:
        return load_params(file, overrides or ()), root_of(params)
    except ParamsError as error:
        if not overrides:
            raise
        unchanged = load_params(file)  # raises when the file itself is at fault
        sentence = str(error).removeprefix(f"{file}: ")
        raise ParamsError(_blame_override(sentence, overrides, unchanged)) from None


def run_stage(
    name: str, params: "Params", root: Path, force: bool, processes: "Processes | None" = None
) -> None:
    """Bring one stage up to date; print whether it had to run, and its findings.

    Raises as `runner.run_stage`, and PipelineError after a finding that stops the run.
    """
    from ezsd.pipeline import runner
    from ezsd.pipeline.graph import STAGES
    from ezsd.pipeline.processes import ALONE

    processes = processes or ALONE
    try:
        fresh = runner.run_stage(STAGES, name, params, root, force, processes)
    except KeyboardInterrupt:
        if not processes.leads:
            sys.exit(130)
        say(f"{name}: interrupted; finished work is kept; run the same command again to resume")
        raise
    if processes.leads:
        say(f"{name}: {'done' if fresh else 'up to date'}")
        _show_findings(name, root, params.run.allow)


def _show_findings(stage: str, root: Path, allowed: Sequence[str]) -> None:
    """Print the findings of a finished stage; raises PipelineError for one that stops the run."""
    from ezsd.cache.manifest import read_manifest
    from ezsd.pipeline.findings.finding import read_findings, refuse
    from ezsd.pipeline.runner import artifact_folder

    findings = read_findings(read_manifest(artifact_folder(root, stage)))
    for finding in findings:
        say(f"{stage}: finding {finding}")
    refuse(stage, findings, allowed)


def say(sentence: str) -> None:
    """Print a message to standard error; standard output is for results."""
    print(sentence, file=sys.stderr, flush=True)


def show(value: Any, text: str, as_json: bool) -> None:
    """Print a result, as JSON or as text."""
    print(json.dumps(value, indent=1) if as_json else text)


def _blame_override(sentence: str, overrides: Sequence[str], params: "Params") -> str:
    """The sentence with the override at fault in front, and the key that was likely meant."""
    from ezsd.pipeline.params import plain_values

    sections = plain_values(params)
    meant = {one: _likely_key(one.partition("=")[0].strip(), sections) for one in overrides}
    known = [one for one in overrides if one.partition("=")[0].strip() in sentence] or list(overrides)
    culprit = next((one for one in known if meant[one]), known[0])
    hint = f"; did you mean {meant[culprit]}?" if meant[culprit] else ""
    return f"{sentence}{hint}" if sentence.startswith("--set") else f"--set {culprit!r}: {sentence}{hint}"


def _likely_key(key: str, sections: Mapping[str, Any]) -> str | None:
    """The known key nearest to an unknown one; None for a known key, or when none is near."""
    node: Any = sections
    parts = key.split(".")
    for place, part in enumerate(parts):
        if not isinstance(node, Mapping):
            return None
        if part not in node:
            near = difflib.get_close_matches(part, node, n=1)
            return ".".join([*parts[:place], near[0], *parts[place + 1 :]]) if near else None
        node = node[part]
    return None
