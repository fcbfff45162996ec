"""Folders of the runs. Artifacts that runs share are made once: their `artifacts/<stage>` are links.

artifacts/<stage>-<fingerprint>/    an artifact
runs/<name>/params.yaml
runs/<name>/artifacts/<stage> -> ../../../artifacts/<stage>-<fingerprint>
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from benchmarks.provenance import REPOSITORY
from ezsd.cache import manifest
from ezsd.cache.atomic import write_bytes_atomic
from ezsd.pipeline.code_digest import code_digest
from ezsd.pipeline.graph import PRECOMPUTE
from ezsd.pipeline.params import PARAMS_FILE, Params, plain_values
from ezsd.pipeline.runner import artifact_folder
from ezsd.pipeline.stage import Stage

WORK = REPOSITORY / "benchmarks" / "work" / "ablation"
RUN_STAGES = ("train", "evaluate")
"""Stages that each run does by itself; `PRECOMPUTE` is shared."""
_DIGITS = 16


@dataclass(frozen=True)
class Workplace:
    """The folder of all runs and artifacts."""

    folder: Path

    def root(self, name: str) -> Path:
        """Return the folder of a run's `params.yaml`."""
        return self.folder / "runs" / name

    def lay_out(self, name: str, params: Params, fingerprints: Mapping[str, str]) -> Path:
        """Write a run's params, link its stages to the artifacts of these fingerprints, return its root."""
        root = self.root(name)
        write_bytes_atomic(root / PARAMS_FILE, yaml.safe_dump(plain_values(params)).encode())
        for stage in (*PRECOMPUTE, *RUN_STAGES):
            place = self.folder / "artifacts" / f"{stage}-{fingerprints[stage]}"
            place.mkdir(parents=True, exist_ok=True)
            _link(artifact_folder(root, stage), place)
        return root


def fingerprints(stages: Mapping[str, Stage], params: Params) -> dict[str, str]:
    """Digest all that the artifact of each stage depends on: params, code, weights and the stages before.

    Unlike those of manifests they need no artifact, so scores from another machine can be compared with them.
    """
    found: dict[str, str] = {}
    for name in (*PRECOMPUTE, *RUN_STAGES):
        stage = stages[name]
        inputs = {
            "params": stage.inputs_of(params),
            "code": _code(*stage.modules(params)),
            "external": stage.external_inputs(params, Path()),
            "parents": {parent: found[parent] for parent in stage.parents},
        }
        found[name] = manifest.fingerprint(name, inputs)[:_DIGITS]
    return found


@cache
def _code(*modules: str) -> str:
    return code_digest(*modules)


def _link(link: Path, place: Path) -> None:
    """Make `link` point at `place`, by rename; relative, so that the folder can be moved."""
    wanted = os.path.relpath(place, link.parent)
    if link.is_symlink() and os.readlink(link) == wanted:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    aside = link.with_name(f".{link.name}.new")
    aside.unlink(missing_ok=True)
    aside.symlink_to(wanted, target_is_directory=True)
    os.replace(aside, link)
