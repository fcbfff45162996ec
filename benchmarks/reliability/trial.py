"""Lets every request of the disk in a scenario fail in turn, and checks that nothing is lost.

A request fails once, or finds the disk full for good, or the process ends before or in the middle of it.
Afterwards artifacts must be unfinished or right, and the next run must end with the same bytes as an
undisturbed one.
"""

import io
import re
from collections.abc import Collection, Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from benchmarks.reliability.forks import run_in_fork
from benchmarks.reliability.requests import Failing, Faults, Observed, Point
from benchmarks.reliability.scenarios import Scenario, files_below, put_copy
from benchmarks.reliability.shim import shim
from ezsd.cache.folders import INCOMPLETE, MANIFEST
from ezsd.stages.commands.main import USER_ERRORS

ONCE, FULL, ENDED = "once", "full", "ended"
"""One request fails; it and all later ones find the disk full; the process ends at that point."""

SECONDS = 300.0
"""Time that the next run may take; it usually takes one."""

_RANDOM = re.compile(r"(?<=\.)[0-9a-f]{32}(?=\.part$)")


@dataclass(frozen=True)
class Fault:
    """A request that failed.

    Attributes:
        scenario: name of the work in which it failed.
        number: of the request, from 0.
        point: the request.
        how: it failed.
        loss: what was wrong afterwards; empty if nothing was.
    """

    scenario: str
    number: int
    point: Point
    how: str
    loss: str

    def __str__(self) -> str:
        return f"{self.scenario}, {self.number}: {' '.join(self.point)} {self.how}: {self.loss}"


class Trial:
    """Tries all faults of a scenario.

    What the next run makes of a folder depends on the folder alone, so folders that faults leave alike are
    tried once.

    Args:
        scenario: the work.
        root: folder in which it runs.
    """

    def __init__(self, scenario: Scenario, root: Path) -> None:
        self._scenario, self._root, self._saved = scenario, root, root.with_name("saved")
        self._known: dict[str, str] = {}
        self.points = self._undisturbed()

    def end_at(self, numbers: Collection[int]) -> Iterator[Fault]:
        """Put back the folder as it was at these requests, as a process that ended there leaves it."""
        seen: dict[str, Path] = {}
        states: list[list[str]] = [[] for _ in self.points]

        def observe(number: int) -> None:
            if number not in numbers:
                return
            state = _state(self._root)
            states[number].append(state)
            if state not in seen and state not in self._known:
                seen[state] = self._saved / str(len(seen))
                put_copy(self._root, seen[state])

        put_copy(self._scenario.start, self._root)
        self._run(Observed(observe))
        for number in sorted(numbers):
            losses = [self._loss_of(state, seen.get(state, self._root)) for state in states[number]]
            yield Fault(
                self._scenario.name, number, self.points[number], ENDED, next(filter(None, losses), "")
            )

    def fail(self, number: int) -> Iterator[Fault]:
        """Let one request fail, once and for good.

        A full disk is tried only where it differs from a single failure: where a request follows that a full
        disk refuses too.
        """
        later = 1
        for how in (ONCE, FULL):
            loss = ""
            if later:
                put_copy(self._scenario.start, self._root)
                faults = Failing(number, how == FULL)
                loss = self._run(faults)[1] or self._loss_of(_state(self._root), self._root)
                later = faults.later
            yield Fault(self._scenario.name, number, self.points[number], how, loss)

    def _undisturbed(self) -> list[Point]:
        """All requests of a run without faults; raises AssertionError if it fails."""
        put_copy(self._scenario.start, self._root)
        faults = Faults()
        error = self._run(faults)
        if any(error) or self._differing():
            raise AssertionError(f"{self._scenario.name} fails without a fault: {error}")
        return faults.points

    def _run(self, faults: Faults) -> tuple[str, str]:
        """Run in this process; returns the error for the user, and an error that is none for a user."""
        with redirect_stderr(io.StringIO()), shim(self._root, faults):
            try:
                self._scenario.run(self._root)
            except USER_ERRORS as error:
                return str(error), ""
            except Exception as error:
                return "", f"{type(error).__name__}: {error}"
        return "", ""

    def _loss_of(self, state: str, folder: Path) -> str:
        """What is lost when the next run starts from a copy of the folder, which is in that state."""
        if state not in self._known:
            if folder != self._root:
                put_copy(folder, self._root)
            self._known[state] = self._false_claim() or self._loss_in_next_run()
        return self._known[state]

    def _false_claim(self) -> str:
        """An artifact that claims to be complete, but is not what it should be."""
        wrong = self._differing()
        for mark in self._root.rglob(MANIFEST):
            below = f"{mark.parent.relative_to(self._root).as_posix()}/"
            if not (mark.parent / INCOMPLETE).exists() and any(name.startswith(below) for name in wrong):
                return f"{below} claims to be complete, but these differ: {wrong[:3]}"
        return ""

    def _loss_in_next_run(self) -> str:
        ended = run_in_fork(partial(self._scenario.run, self._root), SECONDS)
        if ended.how != "returned":
            return f"the next run {ended.how} {' '.join(ended.error[:1])} {ended.message}"
        return f"after the next run these differ: {wrong[:3]}" if (wrong := self._differing()) else ""

    def _differing(self) -> list[str]:
        one, other = self._scenario.expected, files_below(self._root)
        return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _state(root: Path) -> str:
    """Digest of all files and folders below a folder; left-overs count without their random names."""
    digest = sha256()
    for path in sorted(root.rglob("*")):
        folder = path.is_dir()
        digest.update(f"{_RANDOM.sub('', path.relative_to(root).as_posix())}\0{folder}\0".encode())
        if not folder:
            digest.update(sha256(path.read_bytes()).digest())
    return digest.hexdigest()
