"""Run the pipeline in separate folders, away from the user's artifacts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks.watch import Watched, watch
from ezsd.cache.atomic import write_bytes_atomic
from ezsd.pipeline.params import PARAMS_FILE, load_params, parse_params, plain_values, preset_text
from ezsd.pipeline.runner import artifact_folder
from ezsd.pipeline.stage import StageContext


def start_run(root: Path, overrides: Sequence[str]) -> Path:
    """Write the demo's params with overrides into `root`, and return it."""
    write_params(root, plain_values(parse_params(preset_text("demo"), overrides)))
    return root


def few_scenes(train: int) -> tuple[str, ...]:
    """Return overrides of a run on few training scenes, with as little re-normalization as there can be."""
    return (
        f"data.world.train={train}",
        "data.world.val=4",
        "renorm.epochs=1",
        "renorm.check=null",
        "mine.photos_per_shard=8",
    )


def write_params(root: Path, tree: Mapping[str, Any]) -> None:
    """Write params, plain values by section, into `root`."""
    write_bytes_atomic(root / PARAMS_FILE, yaml.safe_dump(tree, sort_keys=False).encode())


def run_stage(root: Path, stage: str, *options: str) -> Watched:
    """Run one of the stages up to `embed` through the command line."""
    return watch(["ezsd-cli", "precompute", "--only", stage, *options], root)


def context_of(root: Path, stage: str) -> StageContext:
    """Return the context that a stage of the run would get."""
    return StageContext(load_params(root / PARAMS_FILE), root, artifact_folder(root, stage))
