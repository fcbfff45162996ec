"""Each command of the pages on machines runs, on copies of a run that is made once."""

import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from support.recipes import Recipe
from support.small_runs import bytes_below, differing


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
    said = Recipe("several-gpus.md", root, {"--nproc-per-node 4": "--nproc-per-node 2"}).run()
    assert said.count("train: done") == 1
    assert (root / "artifacts/report/index.html").is_file()


def test_dask(without: Callable[..., Path], own_run: Path) -> None:
    root, port = without("mine", "embed", "evaluate"), free_port()
    said = Recipe("dask.md", root, {"HOST:8786": f"127.0.0.1:{port}", "--port 8786": f"--port {port}"}).run()
    assert "mine: done" in said and "embed: done" in said and "evaluate: done" in said
    result_like(root, own_run, "mine", "embed", "evaluate")
