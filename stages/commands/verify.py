"""`ezsd-cli verify`: checks that the artifacts are complete, undamaged and current."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ezsd.stages.commands.options import DEFAULT_PARAMS, AsJson, Overrides, ParamsPath, open_run, show

if TYPE_CHECKING:
    from ezsd.pipeline.params import Params

app = typer.Typer()


@app.command(epilog="Example: `ezsd-cli verify mine`")
def verify(
    stages: Annotated[
        list[str] | None, typer.Argument(help="Stages to check; default: all that have an artifact.")
    ] = None,
    as_json: AsJson = False,
    params: ParamsPath = DEFAULT_PARAMS,
    overrides: Overrides = None,
) -> None:
    """Check that artifacts are complete, undamaged and made from the current params, code and data."""
    from ezsd.pipeline.errors import PipelineError

    loaded, root = open_run(params, overrides)
    problems = {name: _problems(name, loaded, root) for name in _chosen(stages, root)}
    if not problems:
        raise PipelineError(f"there are no artifacts in {root / 'artifacts'}: run `ezsd-cli precompute`")
    lines = [f"{name}: {'; '.join(found) if found else 'ok'}" for name, found in problems.items()]
    show(problems, "\n".join(lines), as_json)
    if any(problems.values()):
        raise typer.Exit(1)


def _chosen(stages: list[str] | None, root: Path) -> list[str]:
    """The given stages, or all that have an artifact."""
    from ezsd.pipeline.graph import STAGES
    from ezsd.pipeline.runner import artifact_folder

    for name in stages or []:
        if name not in STAGES:
            raise typer.BadParameter(f"{name!r} is none of {', '.join(STAGES)}")
    return stages or [name for name in STAGES if artifact_folder(root, name).is_dir()]


def _problems(name: str, params: "Params", root: Path) -> list[str]:
    from ezsd.cache.errors import ArtifactError
    from ezsd.cache.verify import verify
    from ezsd.errors import InputError
    from ezsd.pipeline.errors import PipelineError
    from ezsd.pipeline.graph import STAGES
    from ezsd.pipeline.runner import artifact_folder, command_of, require_current, require_same_outside

    found = verify(artifact_folder(root, name), fix=f"run `ezsd-cli {command_of(name)}`")
    if found:
        return found
    try:
        require_current(STAGES, name, params, root)
        require_same_outside(STAGES, name, params, root)
    except ArtifactError as error:
        return [str(error)]
    except (InputError, PipelineError) as error:
        return [f"the files are intact, but what they were made from is not here to compare: {error}"]
    return []
