"""Logs of a training's steps: what DVCLive and TensorBoard then find, also after a run that was stopped."""

import csv
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.params import parse_params, preset_text
from ezsd.pipeline.processes import Processes
from ezsd.pipeline.stage import StageContext
from ezsd.pipeline.step_logs import open_logs

BOTH = ("dvclive", "tensorboard")
Points = list[tuple[int, float]]


@pytest.fixture(autouse=True)
def _outside_of_any_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def points(folder: Path, name: str) -> Mapping[str, Points]:
    """Step and value of all points of a value, as each logger's own reader has them."""
    with (folder / f"dvclive/plots/metrics/{name}.tsv").open() as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    events = EventAccumulator(str(folder / "tensorboard")).Reload().Scalars(name)
    return {
        "dvclive": [(int(row["step"]), float(row[Path(name).name])) for row in rows],
        "tensorboard": [(event.step, event.value) for event in events],
    }


def log_steps(folder: Path, steps: range, value: float, steps_done: int = 0) -> None:
    with open_logs(BOTH, folder, steps_done) as log:
        for step in steps:
            log(step, {"loss/total": value, "learning_rate": 0.5})


def test_every_logger_has_every_step(tmp_path: Path) -> None:
    log_steps(tmp_path, range(10, 40, 10), 2.5)
    expected = [(10, 2.5), (20, 2.5), (30, 2.5)]
    assert points(tmp_path, "loss/total") == {"dvclive": expected, "tensorboard": expected}
    assert points(tmp_path, "learning_rate")["dvclive"] == [(10, 0.5), (20, 0.5), (30, 0.5)]
    assert (tmp_path / "dvclive/dvc.yaml").is_file()


def test_steps_that_are_taken_again_are_logged_once(tmp_path: Path) -> None:
    log_steps(tmp_path, range(10, 50, 10), 2.0)
    log_steps(tmp_path, range(30, 60, 10), 1.0, steps_done=25)
    expected = [(10, 2.0), (20, 2.0), (30, 1.0), (40, 1.0), (50, 1.0)]
    assert points(tmp_path, "loss/total") == {"dvclive": expected, "tensorboard": expected}


def test_a_run_that_begins_anew_forgets_the_one_before(tmp_path: Path) -> None:
    log_steps(tmp_path, range(10, 50, 10), 2.0)
    log_steps(tmp_path, range(10, 30, 10), 1.0)
    expected = [(10, 1.0), (20, 1.0)]
    assert points(tmp_path, "loss/total") == {"dvclive": expected, "tensorboard": expected}


def test_a_row_that_was_cut_off_is_dropped(tmp_path: Path) -> None:
    log_steps(tmp_path, range(10, 30, 10), 2.0)
    table = tmp_path / "dvclive/plots/metrics/loss/total.tsv"
    table.write_text(table.read_text() + "3")
    log_steps(tmp_path, range(30, 40, 10), 1.0, steps_done=20)
    assert points(tmp_path, "loss/total")["dvclive"] == [(10, 2.0), (20, 2.0), (30, 1.0)]


@pytest.mark.parametrize("package", BOTH)
def test_a_missing_package_is_named_with_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    for module in [name for name in sys.modules if name.startswith(("dvclive.", "torch.utils.tensorboard"))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(PipelineError, match=rf"{package}.*pip install 'ezsd\[{package}\]'"):
        log_steps(tmp_path, range(1), 1.0)


def test_only_the_process_that_leads_logs(tmp_path: Path) -> None:
    params = parse_params(preset_text("demo"), ["run.loggers=[dvclive]"])
    for rank in (1, 0):
        context = StageContext(params, tmp_path, tmp_path / "artifacts/train", Processes(rank, 2))
        with context.step_logs(0) as log:
            log(10, {"loss": 1.0})
        assert (tmp_path / "logs").exists() == (rank == 0)
