"""Each command of the pages on machines and storage runs, on copies of a run that is made once."""

import re
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.recipes import RECIPES, Recipe
from support.small_runs import LEFT_OUT, REPOSITORY, bytes_below, differing

from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.params import load_params


@pytest.fixture
def without(own_run: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes copies of `own_run` without the artifacts of some stages."""

    def copy(*stages: str) -> Path:
        root = tmp_path / "copy"
        shutil.copytree(own_run, root)
        for stage in stages:
            shutil.rmtree(root / "artifacts" / stage)
        return root

    return copy


def result_like(root: Path, own_run: Path, *stages: str) -> None:
    """The artifacts of these stages are those of one process, byte for byte."""
    assert not differing(bytes_below(root, stages), bytes_below(own_run, stages))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def test_several_gpus(without: Callable[..., Path]) -> None:
    root = without("train", "evaluate", "report")
    printed = Recipe("several-gpus.md", root, {"--nproc-per-node 4": "--nproc-per-node 2"}).run()
    assert printed.count("train: done") == 1
    assert (root / "artifacts/report/index.html").is_file()


def test_dask(without: Callable[..., Path], own_run: Path) -> None:
    root, port = without("mine", "embed", "evaluate"), free_port()
    printed = Recipe(
        "dask.md", root, {"HOST:8786": f"127.0.0.1:{port}", "--port 8786": f"--port {port}"}
    ).run()
    assert "mine: done" in printed and "embed: done" in printed and "evaluate: done" in printed
    result_like(root, own_run, "mine", "embed", "evaluate")


def test_verify_does_not_say_ok_where_the_data_are_absent(own_run: Path, tmp_path: Path) -> None:
    root = shutil.copytree(own_run, tmp_path / "elsewhere")
    verify = [sys.executable, "-m", "ezsd.stages.commands.main", "verify", "--set", "data.val_photos=nowhere"]
    done = subprocess.run(verify, cwd=root, capture_output=True, text=True)
    assert done.returncode == 1
    found = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert found["prepare"].startswith(
        "the files are intact, but what they were made from is not here to compare"
    )
    assert "nowhere does not exist" in found["prepare"] and found["mine"] == found["evaluate"] == "ok"


def write_stub(folder: Path, name: str, body: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/bash\nset -e\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_slurm(without: Callable[..., Path], own_run: Path, tmp_path: Path) -> None:
    root, stubs = without("embed", "train", "evaluate", "report"), tmp_path / "bin"
    write_stub(stubs, "sbatch", 'exec bash "$@"')  # the job runs at once, on this machine as both its nodes
    write_stub(stubs, "srun", '"$@" & "$@" & trap "kill $(jobs -p)" TERM; wait -n; wait -n')
    # other pages' tests run these two: here it is enough that they are asked for
    command = shutil.which("ezsd-cli", path=str(Path(sys.executable).parent))
    write_stub(
        stubs, "ezsd-cli", f'[[ $1 == eval || $1 == report ]] && echo "$1: done" || exec {command} "$@"'
    )
    (root / "docs").symlink_to(RECIPES.parent)
    job = {
        "SLURM_JOB_ID": str((free_port() - 20_000) // 2),
        "SLURM_NNODES": "2",
        "SLURM_GPUS_ON_NODE": "1",
        "SLURM_CPUS_PER_TASK": "1",
    }
    printed = Recipe("slurm.md", root, extra_path=stubs, environment=job).run()
    assert re.findall(r"^(\w+): done", printed, re.MULTILINE) == ["eval", "report", "embed", "train"]
    result_like(root, own_run, "embed")


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


def start_git(root: Path) -> None:
    """A repository with all files of the folder."""
    git(root, "init", "--quiet")
    git(root, "config", "user.name", "someone")
    git(root, "config", "user.email", "someone@example.org")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "start")


def test_experiments(without: Callable[..., Path], own_run: Path) -> None:
    root = without()
    for other in ("yolo", "voc"):  # params of other runs, which DVC would find
        shutil.rmtree(root / other)
    (root / ".gitignore").write_text("/artifacts\n")
    start_git(root)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=root, check=True)
    places = {
        "dvc repro": "ezsd-cli watch\ndvc commit --force --quiet",  # all stages are done
        "train.seed=1,2": "train.seed=1",
        "seed-1": "seed",
    }
    printed = Recipe("experiments.md", root, places).run()
    assert "train: done" in printed and "renorm: done" not in printed and "own (names known)" in printed
    assert load_params(root / "params.yaml").train.seed == 1
    result_like(root, own_run, "prepare", "renorm", "mine", "embed")
    assert differing(bytes_below(root, ["train"]), bytes_below(own_run, ["train"]))


def test_dvc_remote(own_run: Path, tmp_path: Path) -> None:
    root = tmp_path / "checkout"
    shutil.copytree(REPOSITORY, root, ignore=LEFT_OUT)
    shutil.copytree(own_run / "artifacts", root / "artifacts")
    shutil.copy(own_run / "tiny.json", root)
    params = (own_run / "params.yaml").read_text()
    (root / "params.yaml").write_text(params.replace("datasets/own", str(own_run / "datasets/own")))
    start_git(root)
    places = {
        "/path/to/storage": str(tmp_path / "storage"),
        "/path/to/project": ".",
        "elsewhere": "../elsewhere",
    }
    printed = Recipe("dvc-remote.md", root, places).run()
    assert "evaluate: ok" in printed and "own (names known)" in printed
    result_like(tmp_path / "elsewhere", own_run, *STAGES)
