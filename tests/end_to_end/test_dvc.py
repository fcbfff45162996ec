"""`dvc repro` and the command line leave the same bytes, in a git clone and in an unpacked archive."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.small_runs import LEFT_OUT, REPOSITORY, bytes_below, cli, differing, small_params

from ezsd.pipeline.graph import STAGES

DVC = Path(sys.executable).with_name("dvc")


def dvc(*arguments: str, root: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{DVC.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(root),
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run([DVC, *arguments], cwd=root, capture_output=True, text=True, env=environment)


def git(*arguments: str, root: Path) -> str:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The project's files with small params, without git."""
    root = tmp_path / "checkout"
    shutil.copytree(REPOSITORY, root, ignore=LEFT_OUT)
    (root / "params.yaml").write_text(small_params())
    return root


def test_in_a_git_clone_the_whole_graph_runs_and_then_has_nothing_to_do(
    checkout: Path, small_run: Path
) -> None:
    git("init", "--quiet", root=checkout)
    git("add", ".", root=checkout)
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "all", root=checkout)
    done = dvc("repro", root=checkout)
    assert done.returncode == 0, done.stderr[-3000:]
    assert git("status", "--porcelain", root=checkout) == "?? dvc.lock\n"
    stages = list(STAGES)
    assert not differing(bytes_below(small_run, stages), bytes_below(checkout, stages))
    metrics = json.loads(dvc("metrics", "show", "--json", root=checkout).stdout)
    shown = metrics[""]["data"]["artifacts/evaluate/metrics.json"]["data"]
    expected = json.loads((small_run / "artifacts/evaluate/metrics.json").read_text())
    assert shown["AP50"] == expected["AP50"] and shown["protocol"] == expected["protocol"]
    assert dvc("plots", "show", root=checkout).returncode == 0
    with (checkout / "ezsd/boxes.py").open("a") as file:
        file.write("\n# a remark\n")
    again = dvc("repro", root=checkout)
    assert again.returncode == 0
    output = again.stdout + again.stderr
    assert re.findall(r"Running stage '(\w+)'", output) == ["watch"]
    for name in STAGES:
        assert f"Stage '{name}' didn't change, skipping" in output
    with (checkout / "ezsd/stages/report.py").open("a") as file:
        file.write("\nOTHER = 1\n")
    third = dvc("repro", root=checkout)
    assert re.findall(r"Running stage '(\w+)'", third.stdout + third.stderr) == ["watch", "report"]


def test_init_and_runs_without_dvc_change_nothing_that_git_knows(checkout: Path) -> None:
    (checkout / "params.yaml").unlink()
    git("init", "--quiet", root=checkout)
    git("add", ".", root=checkout)
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "all", root=checkout)
    for arguments in (
        ("init",),
        ("init", "--preset", "coco", "--force"),
        ("init", "--force"),
    ):
        cli(*arguments, root=checkout)
    (checkout / "artifacts/prepare").mkdir(parents=True)
    (checkout / "artifacts/prepare/manifest.json").touch()
    assert (checkout / "params.yaml").is_file()
    assert git("status", "--porcelain", root=checkout) == ""


def test_the_demo_of_make_is_the_graph_of_dvc() -> None:
    recipe = (REPOSITORY / "Makefile").read_text().split("\ndemo: setup\n")[1].split("\n\n")[0]
    assert [line.split()[:2] for line in recipe.splitlines() if not line.startswith("\t@echo")] == [
        ["ezsd-cli", "init"],
        ["dvc", "repro"],
        ["ezsd-cli", "result"],
    ]


def test_in_an_unpacked_archive_stages_run(checkout: Path, small_run: Path) -> None:
    (checkout / ".dvc/config.local").write_text("[core]\n    no_scm = true\n")
    done = dvc("repro", "renorm", root=checkout)
    assert done.returncode == 0, done.stderr[-3000:]
    stages = ["prepare", "renorm"]
    assert not differing(bytes_below(small_run, stages), bytes_below(checkout, stages))
