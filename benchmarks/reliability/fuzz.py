"""Reads seeded, damaged inputs; only the project's own errors may come out, in bounded time and memory.

Cases run one after another in a forked process; after one that kills it or takes too long, in a new one.
"""

import json
import os
import resource
import select
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import click

from benchmarks.reliability.kinds import Kind
from benchmarks.reliability.workbench import Workbench
from ezsd.stages.commands.main import USER_ERRORS

SECONDS = 30
"""Processor time of a case."""

STALL_SECONDS = 300.0
"""Time without a result after which the process is killed, for instance when it waits for something."""

MEMORY = 2 << 30
"""Bytes of address space for a case beyond what the process had before."""

ACCEPTED = (*USER_ERRORS, click.ClickException, click.exceptions.Exit)
"""Errors that may come out; the command line reports mistaken options by those of click."""


@dataclass(frozen=True)
class Outcome:
    """What came of a case.

    Attributes:
        kind: name of its kind.
        seed: of its damage; the case is the same whenever it is made.
        refused: whether an error of the project came out, rather than nothing.
        fault: what came out that should not; empty if nothing.
    """

    kind: str
    seed: int
    refused: bool
    fault: str

    def __str__(self) -> str:
        return f"{self.kind}, seed {self.seed}: {self.fault or ('refused' if self.refused else 'read')}"


def run_case(kind: Kind, seed: int, bench: Workbench) -> Outcome:
    """Make and read a case in this process."""
    bench.clear()
    refused, fault = False, ""
    try:
        kind.run(Random(f"{kind.name} {seed}"), bench)
    except ACCEPTED:
        refused = True
    except _TooLong:
        fault = f"more than {SECONDS} seconds"
    except (Exception, SystemExit) as error:
        fault = f"{type(error).__module__}.{type(error).__name__}: {error}"[:500]
    return Outcome(kind.name, seed, refused, fault or ("" if bench.kept() else "other files were touched"))


def run_cases(cases: Sequence[tuple[Kind, int]], bench: Workbench) -> Iterator[Outcome]:
    """Run cases with limits on time and memory; yields their outcomes in order."""
    done = 0
    while done < len(cases):
        for outcome in _in_fork(cases[done:], bench):
            yield outcome
            done += 1


class _TooLong(BaseException):
    """A case took too much processor time; no handler of errors catches it."""


def _in_fork(cases: Sequence[tuple[Kind, int]], bench: Workbench) -> Iterator[Outcome]:
    """Run cases in a forked process until one ends it, which then has a fault."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        _be_the_fork(cases, bench, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as reports:
        for kind, seed in cases:
            line = reports.readline() if select.select([reports], [], [], STALL_SECONDS)[0] else b""
            if not line:
                os.kill(process, signal.SIGKILL)
                _, status = os.waitpid(process, 0)
                code = os.waitstatus_to_exitcode(status)
                yield Outcome(kind.name, seed, False, f"the process ended or stalled ({code})")
                return
            yield Outcome(**json.loads(line))
    os.waitpid(process, 0)


def _be_the_fork(cases: Sequence[tuple[Kind, int]], bench: Workbench, writing: int) -> None:
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    signal.signal(signal.SIGPROF, _stop)
    _limit_memory()
    try:
        for kind, seed in cases:
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            outcome = run_case(kind, seed, bench)
            signal.setitimer(signal.ITIMER_PROF, 0)
            os.write(writing, json.dumps(vars(outcome)).encode() + b"\n")
    finally:
        os._exit(0)


def _stop(number: int, frame: Any) -> None:
    raise _TooLong


def _limit_memory() -> None:
    with open("/proc/self/statm", encoding="ascii") as file:
        taken = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
