"""Folders of the runs. Artifacts that runs share are made once: their `artifacts/<stage>` are links.

artifacts/<stage>-<key>/    an artifact; its key is a digest of all params that affect it
runs/<name>/params.yaml
runs/<name>/artifacts/<stage> -> ../../../artifacts/<stage>-<key>
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from ezsd.cache.atomic import json_bytes, write_bytes_atomic
from ezsd.pipeline.graph import PRECOMPUTE, STAGES
from ezsd.pipeline.params import PARAMS_FILE, Params, plain_values, select
from ezsd.pipeline.runner import artifact_folder

RUN_STAGES = ("train", "evaluate")
"""Stages that each run does by itself; `PRECOMPUTE` is shared."""
_KEY_DIGITS = 12


@dataclass(frozen=True)
class Workplace:
    """The folder of all runs and artifacts."""

    folder: Path

    def root(self, name: str) -> Path:
        """Return the folder of a run's `params.yaml`."""
        return self.folder / "runs" / name

    def lay_out(self, name: str, params: Params) -> Path:
        """Write a run's params, link its stages to the artifacts of these params, return its root."""
        root = self.root(name)
        write_bytes_atomic(root / PARAMS_FILE, yaml.safe_dump(plain_values(params)).encode())
        for stage in (*PRECOMPUTE, *RUN_STAGES):
            place = self.artifact(stage, params)
            place.mkdir(parents=True, exist_ok=True)
            _link(artifact_folder(root, stage), place)
        return root

    def artifact(self, stage: str, params: Params) -> Path:
        """Return the folder of the stage's artifact for these params."""
        return self.folder / "artifacts" / f"{stage}-{artifact_key(stage, params)}"


def artifact_key(stage: str, params: Params) -> str:
    """Return a digest of the params of a stage and all stages before it, and of the data's place."""
    chain = {name: select(params, STAGES[name].params) for name in _chain(stage)}
    read = {"data": plain_values(params.data), "stages": chain}
    return hashlib.sha256(json_bytes(read)).hexdigest()[:_KEY_DIGITS]


def _chain(stage: str) -> set[str]:
    return {stage}.union(*(_chain(parent) for parent in STAGES[stage].parents))


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
