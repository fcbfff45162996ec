"""A sample of what `make faults` and `make fuzz` run whole, and that both notice what they look for."""

import json
import os
import re
import signal
from collections.abc import Iterator
from functools import partial, reduce
from pathlib import Path
from random import Random
from typing import Any

import h5py
import numpy as np
import pytest
import yaml

from benchmarks.provenance import REPOSITORY
from benchmarks.record import Measurement, read_results
from benchmarks.reliability.fuzz import ACCEPTED, run_cases
from benchmarks.reliability.kinds import KINDS, Kind
from benchmarks.reliability.readers import commands, read_by_command, read_by_next_stage, read_directly
from benchmarks.reliability.report import publish
from benchmarks.reliability.scenarios import Scenario, files_below, make_scenarios
from benchmarks.reliability.tiny import read_vocabulary_once
from benchmarks.reliability.trial import Trial
from benchmarks.reliability.workbench import Workbench, make_workbench, overwrite, seal
from ezsd.cache.atomic import write_bytes_atomic
from ezsd.cache.errors import ArtifactError
from ezsd.cache.folders import MANIFEST
from ezsd.pipeline.runner import artifact_folder

CASES = 300
SHARE = CASES / sum(kind.cases for kind in KINDS)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    read_vocabulary_once()
    return make_workbench(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_of_damaged_inputs_only_own_errors_come_out(kind: Kind, bench: Workbench) -> None:
    cases = [(kind, seed) for seed in range(max(1, round(SHARE * kind.cases)))]
    assert [str(outcome) for outcome in run_cases(cases, bench) if outcome.fault] == []


@pytest.mark.parametrize("found", yaml.safe_load(Path(__file__).with_name("found.yaml").read_text()), ids=str)
def test_what_was_once_found_is_refused_by_every_reader(found: dict[str, Any], bench: Workbench) -> None:
    bench.clear()
    root, path = bench.take(), bench.place / "run" / found["file"]
    stage, folder = path.relative_to(root).parts[1], artifact_folder(root, path.relative_to(root).parts[1])
    overwrite(path, path.read_bytes())  # no longer a link to the finished run
    damage(path, found)
    if path.name != MANIFEST:
        seal(folder, path.relative_to(folder).as_posix())
    readers = [
        partial(read_directly, stage, root),
        *(partial(read_by_command, one) for one in commands(stage, root, bench.place / "out")),
        partial(read_by_next_stage, stage, root, bench.params),
    ]
    refusals = 0
    for read in readers:
        try:
            read()
        except ACCEPTED:
            refusals += 1
    assert refusals


def damage(path: Path, found: dict[str, Any]) -> None:
    """Do what an entry of `found.yaml` says."""
    if "set" in found:
        tree = json.loads(path.read_bytes())
        holder, key = reduce(lambda node, name: node[name], found["set"][:-1], tree), found["set"][-1]
        del holder[key]
        holder |= {key: found["to"]} if "to" in found else {}
        path.write_text(json.dumps(tree))
    elif "text" in found:
        path.write_text(path.read_text().replace(*found["text"]))
    else:
        name = found["dataset"]
        with h5py.File(path, "r+") as file:
            del file[name]
            if "to" in found:
                file[name] = found["to"]
            else:
                file.create_dataset(name, shape=(2**40,), dtype=np.float32, chunks=(1024,))


def raise_foreign(random: Random, bench: Workbench) -> None:
    raise ZeroDivisionError("nobody expects this")


def refuse(random: Random, bench: Workbench) -> None:
    raise ArtifactError("a sentence")


def take_all_memory(random: Random, bench: Workbench) -> None:
    bytearray(1 << 40)


def touch_others(random: Random, bench: Workbench) -> None:
    (bench.place.parent / "new").write_bytes(b"")


def end(random: Random, bench: Workbench) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_the_fuzzer_notices_what_it_looks_for(bench: Workbench) -> None:
    kinds = [
        Kind(run.__name__, 1, run) for run in (refuse, raise_foreign, take_all_memory, end, touch_others)
    ]
    faults = [outcome.fault for outcome in run_cases([(kind, 0) for kind in kinds], bench)]
    (bench.place.parent / "new").unlink()
    assert faults[0] == "" and "ZeroDivisionError" in faults[1] and "MemoryError" in faults[2]
    assert "ended" in faults[3] and "touched" in faults[4]


SAMPLED = {"prepare": 3, "export": 3, "import": 29, "mine at a URL": 3, "embed": 3}
"""Requests at which each scenario is disturbed; at all of `import`, where the first full run found a loss."""


def test_after_any_fault_the_next_run_gives_the_same_bytes(tmp_path: Path) -> None:
    read_vocabulary_once()
    for scenario in make_scenarios(tmp_path, tuple(SAMPLED)):
        trial = Trial(scenario, tmp_path / "run")
        sampled = min(SAMPLED[scenario.name], len(trial.points))
        numbers = Random(scenario.name).sample(range(len(trial.points)), sampled)
        faults = [*trial.end_at(numbers), *(fault for number in numbers for fault in trial.fail(number))]
        assert len(faults) == 3 * sampled and [str(fault) for fault in faults if fault.loss] == []


def write_whole(root: Path) -> None:
    write_bytes_atomic(root / "a.json", b"first")
    write_bytes_atomic(root / "b.json", b"second")


def write_in_place(root: Path) -> None:
    """Takes any file that is there for a finished one."""
    for name in ("a.json", "b.json"):
        if not (root / name).exists():
            with open(root / name, "wb") as file:
                file.write(b"some bytes")


def sweep_and_write_whole(root: Path) -> None:
    for path in root.glob(".*.part"):
        path.unlink()
    write_whole(root)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "start").mkdir()
    yield tmp_path / "start"


def trial_of(run, start: Path) -> Trial:
    root = start.with_name("run")
    root.mkdir()
    run(root)
    return Trial(Scenario("a piece of work", start, run, files_below(root)), root)


def losses(trial: Trial) -> dict[str, int]:
    faults = [
        *trial.end_at(range(len(trial.points))),
        *(one for at in range(len(trial.points)) for one in trial.fail(at)),
    ]
    return {how: sum(bool(one.loss) for one in faults if one.how == how) for how in ("once", "full", "ended")}


def test_work_that_writes_aside_loses_nothing(start: Path) -> None:
    trial = trial_of(sweep_and_write_whole, start)
    assert losses(trial) == {"once": 0, "full": 0, "ended": 0}
    kinds = [point.kind for point in trial.points]
    assert kinds == ["open", "write", "flush", "fsync", "rename", "fsync"] * 2


def test_work_that_writes_in_place_is_caught(start: Path) -> None:
    found = losses(trial_of(write_in_place, start))
    assert found["once"] and found["ended"]


def test_files_that_a_process_leaves_behind_are_caught(start: Path) -> None:
    found = losses(trial_of(write_whole, start))
    assert not found["once"] and found["ended"]


def test_each_part_keeps_the_figures_of_the_other(tmp_path: Path) -> None:
    publish("faults", [Measurement("faults.points", 3, "points")], {"a": 1}, tmp_path)
    publish("fuzz", [Measurement("fuzz.cases", 5, "cases")], {"b": 2}, tmp_path)
    publish("faults", [Measurement("faults.points", 4, "points")], {"a": 3}, tmp_path)
    (result,) = read_results(tmp_path)
    assert {one.metric: one.value for one in result.measurements} == {"faults.points": 4, "fuzz.cases": 5}
    assert result.details["faults"]["a"] == 3 and result.details["fuzz"]["b"] == 2


def test_the_page_has_the_figures_of_the_last_full_run() -> None:
    (result,) = [one for one in read_results() if one.name == "reliability"]
    page = (REPOSITORY / "docs/reliability.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [^|]* \| ([\d,]+) \|$", page, re.MULTILINE)
    order = ("points", "tried", "lost", "cases", "refused", "foreign_exceptions")
    values = {one.metric.partition(".")[2]: one.value for one in result.measurements}
    assert rows == [f"{values[name]:,}" for name in order]
    assert all(one.verdict != "MISSED" for one in result.measurements)
