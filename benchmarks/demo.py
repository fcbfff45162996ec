"""`make demo` after set-up: time and memory of each stage, and what `dvc repro` does after a small change.

It runs in a copy of the project and touches no artifacts of the user.
"""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from benchmarks.provenance import REPOSITORY
from benchmarks.record import Measurement, Result, Target, write_result
from benchmarks.watch import Watched, watch
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.params import PARAMS_FILE, preset_text

PROJECT = (
    "ezsd",
    "cache",
    "pipeline",
    "stages",
    "dvc.yaml",
    ".dvcignore",
    ".dvc/config",
)
AFTER_TRAIN = ("train", "evaluate", "report")


def main() -> None:
    """Run the demo in a copy, again unchanged, and again with a param of `train` changed."""
    with TemporaryDirectory() as folder:
        root = copy_project(Path(folder) / "project")
        _repro(root, "--single-item", "watch")
        by_stage = {stage: _repro(root, "--single-item", stage) for stage in STAGES}
        _repro(root)  # DVC notes the last stages' outputs
        unchanged = _repro(root)
        shorten_training(root / PARAMS_FILE)
        changed = _repro(root)
    remade = {"unchanged": stages_made(unchanged.output), "train_changed": stages_made(changed.output)}
    write_result(Result("demo", 1, _measurements(by_stage, unchanged, remade), {"stages_made": remade}))


def copy_project(root: Path) -> Path:
    """Copy the files that `dvc repro` needs into a folder without git."""
    for name in PROJECT:
        source, copy = REPOSITORY / name, root / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    (root / ".dvc/config.local").write_text("[core]\n    no_scm = true\n")
    (root / PARAMS_FILE).write_text(preset_text("demo"))
    return root


def shorten_training(params: Path) -> None:
    """Change one param of `train`."""
    tree = yaml.safe_load(params.read_text(encoding="utf-8"))
    tree["train"]["schedule"]["epochs"] = 1
    params.write_text(yaml.safe_dump(tree), encoding="utf-8")


def stages_made(output: str) -> list[str]:
    """Return the stages that ran, in order; a stage prints `mine: done`."""
    return [stage for stage in STAGES if re.search(rf"(?m)^{stage}: done$", output)]


def _repro(root: Path, *options: str) -> Watched:
    return watch(["dvc", "repro", *options], root, code=root)


def _measurements(
    by_stage: Mapping[str, Watched], unchanged: Watched, remade: Mapping[str, list[str]]
) -> list[Measurement]:
    return [
        Measurement(
            "demo.seconds", sum(one.seconds for one in by_stage.values()), "s", target=Target("<=", 900)
        ),
        Measurement(
            "demo.peak_gib",
            max(one.peak_bytes for one in by_stage.values()) / 2**30,
            "GiB",
            target=Target("<=", 6),
        ),
        Measurement("demo.unchanged_seconds", unchanged.seconds, "s", target=Target("<=", 5)),
        Measurement("demo.unchanged_stages_made", len(remade["unchanged"]), "stages", target=Target("<=", 0)),
        Measurement(
            "demo.train_param_other_stages_made",
            len(set(remade["train_changed"]) ^ set(AFTER_TRAIN)),
            "stages",
            target=Target("<=", 0),
        ),
        *(Measurement(f"demo.seconds.{stage}", one.seconds, "s") for stage, one in by_stage.items()),
        *(
            Measurement(f"demo.peak_gib.{stage}", one.peak_bytes / 2**30, "GiB")
            for stage, one in by_stage.items()
        ),
    ]


if __name__ == "__main__":
    main()
