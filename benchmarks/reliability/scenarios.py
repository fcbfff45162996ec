"""What is run while the disk fails: each stage of the tiny run, stores at a URL, export and import."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from benchmarks.reliability.tiny import start_tiny
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.params import Params
from ezsd.pipeline.runner import run_stage
from ezsd.pipeline.transfer import export_stages, import_stages

EXPORT = "exported.h5"
BUCKET = "bucket"
CARRIED = ("renorm",)
"""Stages whose artifacts are exported and imported."""

Tree = dict[str, str]
"""Relative path -> SHA-256 of every file."""


@dataclass(frozen=True)
class Scenario:
    """A piece of work, and the folder in which it starts.

    Attributes:
        name: such as `mine`.
        start: folder to copy before it; never changed.
        run: does the work in a copy.
        expected: all files after it.
    """

    name: str
    start: Path
    run: Callable[[Path], None]
    expected: Tree


def files_below(root: Path) -> Tree:
    """Digests of all files below a folder, without locks."""
    return {
        path.relative_to(root).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


def make_scenarios(work: Path, names: Sequence[str] | None = None) -> Iterator[Scenario]:
    """Run the tiny pipeline without faults, and yield its pieces as they are done.

    Args:
        work: an empty folder. Each piece runs in `work/run`, and is to be repeated there: a file in it names
            that folder.
        names: of the scenarios to yield; None for all.
    """
    root, start = work / "run", work / "start"
    params, after = start_tiny(start), start
    for name, run in _pieces(params):
        put_copy(start, root)
        run(root)
        scenario = Scenario(name, start, run, files_below(root))
        if name in STAGES or name == "export":  # what follows starts from these alone
            after = work / f"after {name}"
            put_copy(root, after)
        if names is None or name in names:
            yield scenario
        start = after


def put_copy(folder: Path, place: Path) -> None:
    """Make `place` a copy of the folder."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(folder, place)


def _pieces(params: Params) -> Iterator[tuple[str, Callable[[Path], None]]]:
    for stage in STAGES:
        if stage == "mine":
            exhaustive = replace(params, mine=replace(params.mine, method="exhaustive"))
            yield "mine at a URL", _at_url("mine", exhaustive)
        yield stage, _stage(stage, params)
        if stage == "renorm":
            yield "export", lambda root: _export(params, root)
            yield "import", _import


def _stage(stage: str, params: Params) -> Callable[[Path], None]:
    def run(root: Path) -> None:
        run_stage(STAGES, stage, params, root)

    return run


def _at_url(stage: str, params: Params) -> Callable[[Path], None]:
    def run(root: Path) -> None:
        stores = replace(params.run, stores=f"file://{root / BUCKET}")
        run_stage(STAGES, stage, replace(params, run=stores), root)

    return run


def _export(params: Params, root: Path) -> None:
    export_stages(STAGES, CARRIED, params, root, root / EXPORT)


def _import(root: Path) -> None:
    """Import into an empty folder beside the one that the export was made from."""
    import_stages(CARRIED, root / "there", root / EXPORT, force=False)
