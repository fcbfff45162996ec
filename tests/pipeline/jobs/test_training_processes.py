"""`train` under torchrun: processes that share each step do what one process does."""

import csv
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load
from support.small_runs import REPOSITORY
from support.training_workplace import Workplace, make_workplace

from ezsd.pipeline.params import plain_values
from ezsd.pipeline.tensor_files import CHECKPOINT
from ezsd.training.config import JitterConfig

# What `ezsd-cli train` does, on parents that no stage has made: a run in which rank 1 hears Ctrl-C, one that
# goes on, one that finds all done, and one in which rank 1 fails while rank 0 waits for its share of a step.
SCRIPT = """
import shutil, signal, sys
from pathlib import Path
from ezsd.errors import InputError
from ezsd.pipeline.params import load_params
from ezsd.pipeline.processes import join_processes
from ezsd.pipeline.runner import run_stage
from ezsd.pipeline.stage import Stage
from ezsd.pipeline.jobs import training as training_run

real, happen = training_run.train_steps, {}

def steps(*arguments):
    for report in real(*arguments):
        if processes.rank == 1 and report.step == 3 and happen:
            happen.pop("at step 3")()
        yield report

def fail():
    raise InputError("rank 1 cannot go on")

def run(force=False):
    return run_stage({"train": Stage("train", ("train",))}, "train", params, Path.cwd(), force, processes)

training_run.train_steps, params = steps, load_params(Path("params.yaml"))
try:
    with join_processes(params.run) as processes:
        happen["at step 3"] = lambda: signal.raise_signal(signal.SIGINT)
        try:
            run()
        except KeyboardInterrupt:
            pass
        if processes.leads:
            shutil.copytree("artifacts/train", "artifacts/stopped")
        fresh = run(), run()
        if processes.leads:
            shutil.copytree("artifacts/train", "artifacts/gone-on")
        sys.stderr.write(f"fresh {' '.join(map(str, fresh))}\\n")  # one write: processes share the stream
        happen["at step 3"] = fail
        run(force=True)
except InputError as error:
    sys.exit(f"error: {error}")
"""


def losses(history: bytes) -> list[list[float]]:
    return [[float(value) for value in row.values()] for row in csv.DictReader(history.decode().splitlines())]


def assert_like(files: dict[str, bytes], expected: dict[str, bytes]) -> None:
    """The same losses and weights but for rounding."""
    assert losses(files["history.csv"]) == [
        pytest.approx(row, rel=1e-4, abs=1e-5) for row in losses(expected["history.csv"])
    ]
    weights = load(files["detector.safetensors"])
    for name, value in load(expected["detector.safetensors"]).items():
        torch.testing.assert_close(weights[name], value, rtol=1e-3, atol=1e-4)


def with_jitter(workplace: Workplace) -> Workplace:
    """The same, with photos of a step that differ in size from process to process."""
    jitter, train = JitterConfig(smallest=0.5, largest=2.0), workplace.params.train
    train = replace(train, examples=replace(train.examples, jitter=jitter))
    return replace(workplace, params=replace(workplace.params, train=train))


def test_processes_stop_go_on_and_fail_together(tmp_path: Path) -> None:
    workplace, artifacts = with_jitter(make_workplace(tmp_path)), tmp_path / "artifacts"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(plain_values(workplace.params)))
    (tmp_path / "script.py").write_text(SCRIPT)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    ended = subprocess.run(
        [sys.executable, *launcher, "script.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
    )
    assert ended.stderr.count("fresh True False") == 2, ended.stderr
    assert ended.stderr.count("train: 6/6 steps") == 1  # one of them shows the progress
    assert ended.returncode != 0
    assert ended.stderr.count("error: rank 1 cannot go on") == 1
    assert "closed by peer" not in ended.stderr  # the other one ends in silence

    alone = workplace.run("alone")
    assert (artifacts / "gone-on/manifest.json").is_file()
    assert_like({path.name: path.read_bytes() for path in (artifacts / "gone-on").iterdir()}, alone)
    assert (artifacts / "stopped" / CHECKPOINT).is_file()
    assert_like(workplace.run("stopped"), alone)
