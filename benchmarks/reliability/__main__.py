"""`make faults` and `make fuzz`: run all, print what is wrong, and record the figures.

A run that was stopped goes on with the scenario or kind of cases that it was at, if the commit is the same.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks.provenance import REPOSITORY, this_revision
from benchmarks.record import Measurement, Target
from benchmarks.reliability.fuzz import Outcome, run_cases
from benchmarks.reliability.kinds import KINDS, Kind
from benchmarks.reliability.report import publish
from benchmarks.reliability.scenarios import Scenario, make_scenarios
from benchmarks.reliability.tiny import read_vocabulary_once
from benchmarks.reliability.trial import Fault, Trial
from benchmarks.reliability.workbench import Workbench, make_workbench
from ezsd.cache.atomic import write_json_atomic
from ezsd.pipeline.progress import show_progress

DONE = REPOSITORY / "benchmarks" / "work" / "reliability"
MEMORY_DISK = Path("/dev/shm")

Found = dict[str, Any]
"""What one scenario or kind of cases gave: counts, and sentences about what is wrong."""


def main(part: str) -> int:
    """Run one part; returns how many faults it found."""
    read_vocabulary_once()
    with _folder() as work:
        found = _run_faults(work) if part == "faults" else _run_fuzz(work)
    shutil.rmtree(DONE / part, ignore_errors=True)
    return sum(len(one["wrong"]) for one in found.values())


def _run_faults(work: Path) -> dict[str, Found]:
    found = {
        scenario.name: _once("faults", scenario.name, partial(_try_scenario, scenario, work / "run"))
        for scenario in make_scenarios(work)
    }
    measurements = [
        Measurement("faults.points", _sum(found, "points"), "points"),
        Measurement("faults.tried", _sum(found, "tried"), "faults"),
        Measurement("faults.lost", _wrong(found), "faults", target=Target("<=", 0)),
    ]
    publish("faults", measurements, {"scenarios": found})
    return found


def _try_scenario(scenario: Scenario, root: Path) -> Found:
    trial = Trial(scenario, root)
    points = len(trial.points)
    wrong, tried = [], 0
    with show_progress(f"faults: {scenario.name}", 3 * points, "faults") as progress:
        for fault in chain(trial.end_at(range(points)), *map(trial.fail, range(points))):
            tried += 1
            progress.advance(1)
            if fault.loss:
                wrong.append(_report(fault))
    return {"points": points, "tried": tried, "wrong": wrong}


def _run_fuzz(work: Path) -> dict[str, Found]:
    bench = make_workbench(work)
    found = {kind.name: _once("fuzz", kind.name, partial(_try_kind, kind, bench)) for kind in KINDS}
    measurements = [
        Measurement("fuzz.cases", _sum(found, "cases"), "cases", target=Target(">=", 10_000)),
        Measurement("fuzz.refused", _sum(found, "refused"), "cases"),
        Measurement("fuzz.foreign_exceptions", _wrong(found), "cases", target=Target("<=", 0)),
    ]
    publish("fuzz", measurements, {"kinds": found})
    return found


def _try_kind(kind: Kind, bench: Workbench) -> Found:
    wrong, refused = [], 0
    with show_progress(f"fuzz: {kind.name}", kind.cases, "cases") as progress:
        for outcome in run_cases([(kind, seed) for seed in range(kind.cases)], bench):
            progress.advance(1)
            refused += outcome.refused
            if outcome.fault:
                wrong.append(_report(outcome))
    return {"cases": kind.cases, "refused": refused, "wrong": wrong}


def _once(part: str, name: str, find: Callable[[], Found]) -> Found:
    """What an earlier run of this commit found, or `find` finds now."""
    revision = this_revision()
    path = DONE / part / f"{revision.commit}-{name.replace(' ', '-')}.json"
    if not revision.dirty and path.is_file():
        earlier: Found = json.loads(path.read_bytes())
        return earlier
    found = find()
    write_json_atomic(path, found)
    return found


def _report(one: Fault | Outcome) -> str:
    print(one, file=sys.stderr, flush=True)
    return str(one)


def _sum(found: Mapping[str, Found], key: str) -> int:
    return sum(one[key] for one in found.values())


def _wrong(found: Mapping[str, Found]) -> int:
    return sum(len(one["wrong"]) for one in found.values())


@contextmanager
def _folder() -> Iterator[Path]:
    """An empty folder; in memory if possible, because a disk would take most of the time."""
    place = MEMORY_DISK if os.access(MEMORY_DISK, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place, prefix="ezsd-") as name:
        yield Path(name)


if __name__ == "__main__":
    if sys.argv[1:] not in (["faults"], ["fuzz"]):
        sys.exit("error: name what to run: faults or fuzz")
    sys.exit(min(main(sys.argv[1]), 1))
