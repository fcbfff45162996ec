"""The whole pipeline at a very small size."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from support.trees import merge

from ezsd.pipeline.params import preset_text

REPOSITORY = Path(__file__).resolve().parents[2]

# section -> keys that make the demo small; everything else stays as the demo has it
SMALL = {
    "data": {"world": {"train": 20, "val": 8, "seed": 1}},
    "prepare": {"photos_per_shard": 8},
    "renorm": {"epochs": 2},
    "mine": {"scales": [2], "photos_per_shard": 8, "keep": 8},
    "train": {
        "schedule": {"epochs": 2, "warmup_steps": 2, "decay_epochs": [2]},
        "examples": {"proposals_per_image": 8},
    },
    "evaluate": {"ensemble": {"base": 0.33, "novel": 0.67}, "probing": {"boxes_per_name": 5}},
    "report": {"training_photos": 2, "validation_photos": 2},
    "run": {"workers": 1, "device": "cpu"},
}
# what tools and runs leave in a checkout: without it a copy is as a new clone
LEFT_OUT = shutil.ignore_patterns(
    ".git",
    ".venv",
    "artifacts",
    "datasets",
    "runs",
    "dvc.lock",
    "watched.json",
    "config.local",
    "tmp",
    ".*_cache",
    ".hypothesis",
    "*.egg-info",
    "build",
    "dist",
    "__pycache__",
)
BEFORE_EVALUATION = ("prepare", "renorm", "mine", "embed", "pseudo", "train")


def small_params(changes: dict[str, dict[str, Any]] | None = None) -> str:
    """YAML of the demo preset at a very small size, with further changes by section."""
    tree = yaml.safe_load(preset_text("demo"))
    merge(merge(tree, SMALL), changes or {})
    return yaml.safe_dump(tree, sort_keys=False)


def cli(*arguments: str, root: Path) -> subprocess.CompletedProcess[str]:
    """`ezsd-cli` as a user runs it, in `root`."""
    return subprocess.run(
        [sys.executable, "-m", "ezsd.stages.commands.main", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
    )


def run_all(root: Path, commands: Sequence[str] = ("precompute", "train", "eval", "report")) -> None:
    """Runs the pipeline and fails with what it printed."""
    for command in commands:
        done = cli(command, root=root)
        assert done.returncode == 0, f"{command}: {done.stderr[-3000:]}"


def bytes_below(folder: Path, stages: Sequence[str]) -> dict[str, bytes]:
    """Relative path -> content of all files of some stages' artifacts."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for stage in stages
        for path in sorted((folder / "artifacts" / stage).rglob("*"))
        if path.is_file()
    }


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Names of files that are not the same in both."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
