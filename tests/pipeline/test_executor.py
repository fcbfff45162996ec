"""Shards run here or in workers, with the same result."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from dask.distributed import LocalCluster

from ezsd.pipeline import executor
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.executor import find_dashboard, keep_workers, run_shards
from ezsd.pipeline.params import RunParams


def shard_writer(folder: Path):
    def task(shard: int) -> dict[str, float]:
        import torch

        values = torch.randn(64, 64, generator=torch.Generator().manual_seed(shard))
        (folder / f"{shard}.bin").write_bytes((values @ values).numpy().tobytes())
        return {"forwards": float(shard)}

    return task


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def run_into(folder: Path, run: RunParams) -> tuple[dict[str, bytes], dict[int, dict[str, float]]]:
    folder.mkdir()
    seen: dict[int, dict[str, float]] = {}
    run_shards(
        shard_writer(folder), [0, 2, 3, 5], run, lambda shard, tally, worker: seen.update({shard: tally})
    )
    return written(folder), seen


def test_one_worker_two_workers_and_a_scheduler_give_the_same_bytes(tmp_path: Path) -> None:
    alone = run_into(tmp_path / "alone", RunParams(workers=1, device="cpu"))
    two = run_into(tmp_path / "two", RunParams(workers=2, device="cpu"))
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        remote = run_into(tmp_path / "remote", RunParams(workers=1, device="cpu", scheduler=address))
    assert alone == two == remote
    assert set(alone[1]) == {0, 2, 3, 5}


@pytest.mark.parametrize("workers", [1, 2])
def test_the_error_of_a_task_reaches_the_caller(workers: int) -> None:
    def task(shard: int) -> dict[str, float]:
        raise ValueError(f"photo {shard} is broken")

    with pytest.raises(ValueError, match=r"photo \d is broken"):
        run_shards(
            task,
            [1, 2],
            RunParams(workers=workers, device="cpu"),
            lambda shard, tally, worker: None,
        )


def test_a_worker_that_dies_is_replaced_and_its_shard_done_again(tmp_path: Path) -> None:
    def task(shard: int) -> dict[str, float]:
        first = tmp_path / f"died-{shard}"
        if shard == 1 and not first.exists():
            first.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        (tmp_path / f"shard-{shard}").touch()
        return {}

    done: list[int] = []
    run_shards(
        task,
        [0, 1, 2],
        RunParams(workers=2, device="cpu"),
        lambda shard, tally, worker: done.append(shard),
    )
    assert sorted(done) == [0, 1, 2]
    assert (tmp_path / "died-1").exists() and (tmp_path / "shard-1").exists()


def processes_of(folder: Path, shards: list[int], workers: int) -> set[str]:
    """Ids of the processes that did the shards."""
    folder.mkdir()

    def task(shard: int) -> dict[str, float]:
        (folder / f"{os.getpid()}-{shard}").touch()
        return {}

    run = RunParams(workers=workers, device="cpu")
    run_shards(task, shards, run, lambda shard, tally, worker: None)
    assert len(list(folder.iterdir())) == len(shards)
    return {path.name.split("-")[0] for path in folder.iterdir()}


def test_workers_that_are_kept_serve_the_next_call_and_then_end(tmp_path: Path) -> None:
    with keep_workers():
        two = processes_of(tmp_path / "first", list(range(6)), 2)
        two |= processes_of(tmp_path / "second", list(range(6)), 2)
        assert len(two) <= 2 and str(os.getpid()) not in two
        three = processes_of(tmp_path / "larger", list(range(9)), 3)
        assert not three & two
    assert not any(Path("/proc", process).exists() for process in two | three)
    assert not processes_of(tmp_path / "later", [0, 1], 2) & (two | three)


def test_a_scheduler_that_does_not_answer_is_named() -> None:
    run = RunParams(workers=1, device="cpu", scheduler="no-such-scheme://x")
    with pytest.raises(PipelineError, match="no-such-scheme"):
        run_shards(lambda shard: {}, [0], run, lambda shard, tally, worker: None)


def test_no_shards_start_no_workers() -> None:
    run_shards(lambda shard: {}, [], RunParams(workers=2, device="cpu"), lambda shard, tally, worker: None)


class Scheduler:
    """A client of a scheduler that has bokeh or not."""

    dashboard_link = "http://127.0.0.1:8787/status"

    def __init__(self, bokeh: bool) -> None:
        self.bokeh = bokeh

    def run_on_scheduler(self, ask: object) -> bool:
        return self.bokeh


def test_a_dashboard_is_named_where_there_is_one() -> None:
    assert find_dashboard(Scheduler(bokeh=True)) == Scheduler.dashboard_link
    assert find_dashboard(Scheduler(bokeh=False)) is None


def test_a_scheduler_without_workers_is_waited_for_and_then_given_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(executor, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(executor, "PATIENCE_SECONDS", 0.5)
    with LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0") as cluster:
        run = RunParams(workers=1, device="cpu", scheduler=cluster.scheduler_address)
        with pytest.raises(PipelineError, match=r"has had no worker for .* start one with `dask worker"):
            run_shards(lambda shard: {}, [0, 1], run, lambda *_: None)
    printed = capsys.readouterr().err
    assert printed.count(f"waiting: {run.scheduler} has no worker, start one with") == 1


def test_a_worker_that_comes_late_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "CHECK_SECONDS", 0.1)
    done: list[int] = []
    with LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0") as cluster:
        run = RunParams(workers=1, device="cpu", scheduler=cluster.scheduler_address)
        late = threading.Timer(0.5, cluster.scale, [1])
        late.start()
        run_shards(lambda shard: {}, [0, 1], run, lambda shard, *_: done.append(shard))
        late.join()
    assert sorted(done) == [0, 1]


def test_a_scheduler_that_dies_is_a_sentence(free_port: int) -> None:
    address = f"tcp://127.0.0.1:{free_port}"
    module = [sys.executable, "-m"]
    processes = [
        subprocess.Popen(
            [*module, "distributed.cli.dask_scheduler", "--port", str(free_port), "--no-dashboard"]
        ),
        subprocess.Popen([*module, "distributed.cli.dask_worker", address, "--no-nanny", "--no-dashboard"]),
    ]

    def kill(*_: object) -> None:
        processes[0].kill()

    def task(shard: int) -> dict[str, float]:
        import time

        time.sleep(0.2)
        return {}

    run = RunParams(workers=1, device="cpu", scheduler=address)
    try:
        with pytest.raises(PipelineError, match="the Dask scheduler is gone: start it"):
            run_shards(task, list(range(200)), run, kill)
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
