"""Runs stages: skips current artifacts, resumes interrupted ones, refuses stale ones."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ezsd.cache import manifest, writing
from ezsd.cache.atomic import json_bytes
from ezsd.cache.contents import erase_shards, shards_url
from ezsd.cache.errors import ArtifactError
from ezsd.cache.lock import hold
from ezsd.pipeline.code_digest import code_digest
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.findings.finding import facts_of, read_findings, refuse
from ezsd.pipeline.params import Params
from ezsd.pipeline.processes import ALONE, Processes
from ezsd.pipeline.sharing import link_equal
from ezsd.pipeline.stage import ARTIFACTS, Stage, StageContext

Stages = Mapping[str, Stage]


def artifact_folder(root: Path, stage: str) -> Path:
    """Output folder of a stage."""
    return root / ARTIFACTS / stage


def run_stage(
    stages: Stages,
    name: str,
    params: Params,
    root: Path,
    force: bool = False,
    processes: Processes = ALONE,
) -> bool:
    """Bring one stage up to date; an equal artifact of a run beside this one is linked.

    Args:
        stages: all stages by name, in the order in which they run.
        name: the stage to run; its parents must be current.
        params: all params.
        root: folder of `params.yaml`.
        force: run the stage even if its artifact is current.
        processes: all processes that call this together; only the leader reads and writes artifacts here.

    Returns:
        Whether the stage ran.

    Raises:
        ArtifactError: a parent is missing, interrupted or stale.
        PipelineError: another run is working on the same stage, or an earlier stage ended with a finding that
            stops the run.
    """
    stage, folder = stages[name], artifact_folder(root, name)
    context = StageContext(params, root, folder, processes)
    if not processes.leads:
        return _follow(stage, context)
    for parent in stage.parents:
        require_current(stages, parent, params, root)
    for earlier in _earlier(stages, name):
        found = read_findings(manifest.read_manifest(artifact_folder(root, earlier)))
        refuse(earlier, found, params.run.allow)
    with only_run(folder):
        inputs = stage_inputs(stage, params, root, stage.external_inputs(params, root))
        if not force and manifest.is_current(folder, inputs):
            return processes.broadcast(False)
        url, stores = _url_of_shards(stage, params, inputs), params.run.stores
        if not force and url is None and link_equal(root, name, inputs):
            return processes.broadcast(False)
        if force:
            _erase(folder, name, url, stores)
        writing.begin(folder, name, inputs, url, stores)
        processes.broadcast(True)
        result = stage.run(context)
        writing.publish(folder, result.counts, {**result.facts, **facts_of(result.findings)})
    return True


def _earlier(stages: Stages, name: str) -> list[str]:
    """Names of the stages that a stage reads, directly or not, in order."""
    parents = stages[name].parents
    found = {*parents, *(one for parent in parents for one in _earlier(stages, parent))}
    return [stage for stage in stages if stage in found]


def _url_of_shards(stage: Stage, params: Params, inputs: Mapping[str, Any]) -> str | None:
    """URL for the shards of the artifact with these inputs; None if they go into its folder."""
    if not stage.sharded or params.run.stores is None:
        return None
    return shards_url(params.run.stores, stage.name, manifest.fingerprint(stage.name, inputs))


def _erase(folder: Path, stage: str, url: str | None, stores: str | None) -> None:
    """Remove the artifact, and any shards that another folder left at the URL of the new ones."""
    writing.erase(folder, stage, stores)
    if url is not None:
        erase_shards(url)


def _follow(stage: Stage, context: StageContext) -> bool:
    """Compute a share of the stage if the leader runs it."""
    if not context.processes.broadcast(False):
        return False
    stage.run(context)
    return True


def require_current(stages: Stages, name: str, params: Params, root: Path) -> None:
    """Refuse an artifact that is missing, interrupted, or made from other params, code or parents.

    Only the stage that reads external inputs checks them: hashing the photos before each stage would take
    minutes.
    """
    stage = stages[name]
    for parent in stage.parents:
        require_current(stages, parent, params, root)
    folder = artifact_folder(root, name)
    inputs = stage_inputs(stage, params, root, _recorded_external(folder))
    manifest.require_current(folder, inputs, f"run `ezsd-cli {command_of(name)}`")


def require_replaceable(stages: Stages, name: str, params: Params, root: Path) -> None:
    """Refuse to replace a finished artifact by one that is made from other inputs.

    Raises:
        PipelineError: names what differs.
    """
    stage, folder = stages[name], artifact_folder(root, name)
    try:
        finished = manifest.read_manifest(folder).inputs
        inputs = stage_inputs(stage, params, root, stage.external_inputs(params, root))
    except ArtifactError:
        return  # nothing is finished, or a parent is missing, which is for the run itself to say
    if changes := manifest.describe_changes(finished, json.loads(json_bytes(inputs))):
        raise PipelineError(
            f"{folder} holds a finished artifact that is another one ({changes}): give --run NAME or another "
            "--params folder to keep it, or --replace to replace it"
        )


def require_same_outside(stages: Stages, name: str, params: Params, root: Path) -> None:
    """Refuse an artifact whose files from outside the project, such as photos or weights, have changed.

    Raises:
        ArtifactError: they differ from those it was made from.
        DataError: they are not here.
        InputError: the teacher or backbone is not here.
    """
    stage, folder = stages[name], artifact_folder(root, name)
    inputs = stage_inputs(stage, params, root, stage.external_inputs(params, root))
    manifest.require_current(folder, inputs, f"run `ezsd-cli {command_of(name)}`")


def _recorded_external(folder: Path) -> dict[str, Any]:
    try:
        return dict(manifest.read_manifest(folder).inputs["external"])
    except ArtifactError:
        return {}


def command_of(stage: str) -> str:
    """The command that makes a stage's artifact."""
    own = {"train": "train", "evaluate": "eval", "report": "report"}
    return own.get(stage, f"precompute --only {stage}")


def require_artifact(root: Path, stage: str) -> manifest.Manifest:
    """The manifest of a stage's artifact. Raises ArtifactError unless the artifact is complete."""
    return manifest.require_complete(artifact_folder(root, stage), f"run `ezsd-cli {command_of(stage)}`")


def stage_inputs(stage: Stage, params: Params, root: Path, external: Mapping[str, Any]) -> dict[str, Any]:
    """All inputs that determine the bytes of a stage's artifact; their digest is its fingerprint."""
    return {
        "params": stage.inputs_of(params),
        "code": code_digest(*stage.modules(params)),
        "parents": {name: manifest.manifest_digest(artifact_folder(root, name)) for name in stage.parents},
        "external": dict(external),
    }


@contextlib.contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Lock the artifact for this process, see :func:`ezsd.cache.lock.hold`.

    Raises:
        PipelineError: another run holds it.
        ArtifactError: the folder cannot be written to.
    """
    with hold(folder) as held:
        if not held:
            raise PipelineError(f"another run is making {folder}: wait for it, or stop it")
        yield
