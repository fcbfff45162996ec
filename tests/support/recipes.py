"""Runs the commands of a page of `docs/recipes`, as they are written there but for what is a placeholder.

Blocks of `python` run as scripts. In blocks of `sh`, `ezsd-cli` runs in this process, a line that ends in `&`
in the background, and any other line in a shell. `dvc repro` stands for the commands of `dvc.yaml`, one after
the other. Blocks of `yaml` are put into `params.yaml`. Whatever writes params, they are then made small.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from support.small_runs import REPOSITORY
from support.teacher_runs import TINY_TEACHER
from support.training_workplace import SMALL
from support.trees import merge
from typer.testing import CliRunner

from ezsd.pipeline.params import load_params
from ezsd.stages.commands.main import app

RECIPES = REPOSITORY / "docs/recipes"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TINY: dict[str, Any] = {
    "teacher": {"model": "tiny.json", "weights": "random"},
    "prepare": {"max_quarantined_fraction": 1.0, "photos_per_shard": 2},
    "renorm": {"epochs": 1, "photos_per_step": 2, "check": None},
    "mine": {
        "long_side": 64, "short_side": 64, "stride": 16, "scales": [1, 2], "ratios": [1.0],
        "post_nms_top_n": 50, "keep": 4, "photos_per_shard": 2, "batch": 64, "cascade": {"fraction": 0.5},
    },
    "embed": {"batch": 64},
    "train": merge(
        deepcopy(SMALL),
        {
            "detector": {
                "backbone": {"name": "world", "taps": ["layer2", "layer3", "layer4"], "frozen_stages": 2},
                "rpn": {"anchor_sides": [24, 48, 96, 160], "anchors_per_image": 32},
            },
            "schedule": {"epochs": 1},
            "examples": {"proposals_per_image": 4},
            "mixed_precision": False,
        },
    ),
    "report": {"training_photos": 1, "validation_photos": 1},
    # a teacher of random weights may be sure of nothing
    "run": {"workers": 1, "device": "cpu", "allow": ["lost-accuracy", "no-proposals", "one-name"]},
}  # fmt: skip
FEW_SCENES: dict[str, Any] = {
    "data": {"world": {"train": 280, "val": 8, "seed": 1}},
    "prepare": {"photos_per_shard": 70},
    "mine": {"photos_per_shard": 70},
    "train": {"schedule": {"epochs": 0.1}, "repeat_threshold": 0.2},
}
"""Of a world that is drawn: as many as it takes to have a frequent name, and few steps."""
TINY_MASK_HEAD = {"convolutions": 1, "channels": 8}


@dataclass
class Recipe:
    """A page, and the folder in which its commands run.

    Args:
        places: what stands for a placeholder of the page.
        extra_path: a folder with stubs of commands that this machine does not have.
        environment: further variables for commands outside this process.
    """

    page: str
    root: Path
    places: Mapping[str, str] = field(default_factory=dict)
    extra_path: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self) -> str:
        """Run all blocks; returns what the commands printed. Fails with the words of the one that failed."""
        printed = []
        with self._background() as started:
            for language, text in BLOCK.findall((RECIPES / self.page).read_text(encoding="utf-8")):
                if language == "yaml":
                    self._merge(self._fill(text))
                elif language == "sh":
                    printed += [self._run(line, started) for line in self._fill(text).splitlines()]
                elif language == "python":
                    (self.root / "example.py").write_text(self._fill(text))
                    printed.append(self._run(f"{sys.executable} example.py", started))
                else:
                    assert language == "text", f"{self.page}: a block of {language}"
        return "".join(printed)

    def _fill(self, text: str) -> str:
        for placeholder, place in self.places.items():
            text = text.replace(placeholder, place)
        assert "/path/to" not in text, text
        return text

    def _run(self, line: str, started: list[subprocess.Popen[bytes]]) -> str:
        if line == "dvc repro":
            stages = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"].values()
            return "".join(self._run(stage["cmd"], started) for stage in stages)
        if line.startswith("ezsd-cli "):
            return run_cli(shlex.split(line)[1:], self.root)
        if line.startswith("cd "):
            self.root /= line.removeprefix("cd ")
            return ""
        if line.endswith("&"):
            words = ["bash", "-c", f"exec env {line.rstrip('& ')}"]
            started.append(subprocess.Popen(words, cwd=self.root, env=self._variables()))
            return ""
        done = subprocess.run(
            ["bash", "-c", line], cwd=self.root, env=self._variables(), capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done.stdout + done.stderr

    def _variables(self) -> dict[str, str]:
        folders = [self.extra_path, Path(sys.executable).parent, os.environ["PATH"]]
        return {
            **os.environ,
            "PATH": os.pathsep.join(str(folder) for folder in folders if folder),
            "PYTHONPATH": str(REPOSITORY),
            "OMP_NUM_THREADS": "1",
            "GLOO_SOCKET_IFNAME": "lo",
            **self.environment,
        }

    @contextmanager
    def _background(self) -> Iterator[list[subprocess.Popen[bytes]]]:
        started: list[subprocess.Popen[bytes]] = []
        try:
            yield started
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait(timeout=60)

    def _merge(self, text: str) -> None:
        path = self.root / "params.yaml"
        path.write_text(yaml.safe_dump(merge(yaml.safe_load(path.read_text()), yaml.safe_load(text))))
        load_params(path)


def run_cli(arguments: list[str], root: Path) -> str:
    """`ezsd-cli` in this process, in `root`; params that it writes are made small."""
    before = Path.cwd()
    os.chdir(root)
    try:
        done = CliRunner().invoke(app, arguments)
    finally:
        os.chdir(before)
    assert done.exit_code == 0, f"ezsd-cli {shlex.join(arguments)}: {done.output[-2000:]} {done.exception!r}"
    if arguments[0].startswith("init"):
        make_small(root)
    return done.output


def make_small(root: Path) -> None:
    """Tiny networks, few steps and a teacher of random weights instead of those of `params.yaml`."""
    path = root / "params.yaml"
    tree = yaml.safe_load(path.read_text())
    if tree["train"]["detector"]["mask_head"]:
        tree["train"]["detector"]["mask_head"] = TINY_MASK_HEAD
    drawn = FEW_SCENES if tree["data"]["world"] else {}
    path.write_text(yaml.safe_dump(merge(merge(tree, TINY), drawn)))
    (root / "tiny.json").write_text(json.dumps(TINY_TEACHER))
