"""SIGKILL at any moment, then the same command: the same artifacts."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from support.small_runs import BEFORE_EVALUATION, REPOSITORY, bytes_below, cli, differing


def kill_after(seconds: float, *arguments: str, root: Path) -> int:
    """Starts `ezsd-cli`, kills its whole process group after a while; returns its exit code."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ezsd.stages.commands.main", *arguments],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


def finish_with_kills(command: str, root: Path, random_seconds: random.Random) -> int:
    """Kills the command again and again, later each time, until it gets through; returns the kills."""
    kills, patience = 0, 5.0
    while kill_after(random_seconds.uniform(0.6, 1.4) * patience, command, root=root) != 0:
        kills += 1
        patience *= 1.3
        assert kills < 20
    return kills


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes(
    small_run: Path, new_root: Callable[..., Path]
) -> None:
    root = new_root("killed")
    random_seconds = random.Random(0)
    kills = sum(finish_with_kills(command, root, random_seconds) for command in ("precompute", "train"))
    assert kills > 0
    assert not differing(bytes_below(small_run, BEFORE_EVALUATION), bytes_below(root, BEFORE_EVALUATION))


def test_ctrl_c_says_so_and_the_next_run_goes_on(small_run: Path, new_root: Callable[..., Path]) -> None:
    root = new_root("ctrl-c")
    process = subprocess.Popen(
        [sys.executable, "-m", "ezsd.stages.commands.main", "precompute"],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
        # a script's background job ignores Ctrl-C, and so would all that it starts
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not list((root / "artifacts").glob("prepare/*")):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in printed and "again" in printed
    assert cli("precompute", root=root).returncode == 0
    stages = ("prepare", "renorm", "mine", "embed")
    assert not differing(bytes_below(small_run, stages), bytes_below(root, stages))


def test_ctrl_c_in_a_terminal_while_workers_run_ends_in_one_sentence(new_root: Callable[..., Path]) -> None:
    root = new_root("ctrl-c-workers", {"data": {"world": {"train": 200}}, "prepare": {"photos_per_shard": 1}})
    process = subprocess.Popen(
        [sys.executable, "-m", "ezsd.stages.commands.main", "precompute", "--set", "run.workers=2"],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
        start_new_session=True,
        # a script's background job ignores Ctrl-C, and so would all that it starts
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not list((root / "artifacts/prepare/parts").glob("*/*.json")):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, printed = process.communicate()
    assert process.returncode == 130
    lines = [line for line in printed.splitlines() if " scenes" not in line]  # all but progress
    assert lines == ["prepare: interrupted; finished work is kept; run the same command again to resume"]
