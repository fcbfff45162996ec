"""Run a command and measure its time and memory, children included."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import psutil

from benchmarks.provenance import REPOSITORY

_INTERVAL_SECONDS = 0.1


@dataclass(frozen=True)
class Watched:
    """Time, memory and output of a command.

    Attributes:
        seconds: wall time.
        cpu_seconds: CPU time, children included.
        peak_bytes: sampled peak of all processes together; shared pages count for each.
        largest_bytes: largest peak of a single process, as the system reports it.
        output: standard output and errors.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    largest_bytes: int
    output: str


def watch(command: Sequence[str], root: Path, code: Path = REPOSITORY) -> Watched:
    """Run a command of this Python's environment to its end.

    Args:
        command: `ezsd-cli` or `dvc`, and its arguments.
        root: working folder.
        code: the project's folder from which modules are imported.

    Raises:
        RuntimeError: the command failed; with its output.
    """
    start = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=root,
        env=_environment(code),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        sampler = _MemorySampler(process.pid)
        sampler.start()
        assert process.stdout is not None  # a pipe was asked for
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        sampler.stop()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{output[-3000:]}")
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Watched(seconds, cpu_seconds, sampler.peak_bytes, usage.ru_maxrss * _MAXRSS_UNIT, output)


_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


class _MemorySampler(Thread):
    """Samples the memory of a process and its descendants."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._process, self._stopped, self.peak_bytes = psutil.Process(pid), Event(), 0

    def run(self) -> None:
        while not self._stopped.wait(_INTERVAL_SECONDS):
            self.peak_bytes = max(self.peak_bytes, self._held())

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self.join()

    def _held(self) -> int:
        held = 0
        with suppress(psutil.Error):
            for process in [self._process, *self._process.children(recursive=True)]:
                with suppress(psutil.Error):
                    held += process.memory_info().rss
        return held


def _environment(code: Path) -> dict[str, str]:
    """Return this process's environment, with its Python's commands and the code of `code` first.

    Other modules stay importable: a teacher's factory may be one.
    """
    scripts = Path(sys.executable).parent
    return {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": f"{code}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep),
    }
