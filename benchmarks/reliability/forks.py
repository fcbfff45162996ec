"""Run a function in a forked process, which may die, hang, or take too much memory.

The process is a copy of this one, so nothing is imported or loaded again.
"""

import json
import os
import resource
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ended:
    """How a forked process ended.

    Attributes:
        how: `returned`, `raised`, `died` or `late`.
        value: what the function returned, plain JSON values.
        error: names of the error's class and of its base classes, the class first.
        message: of the error, or the signal or exit code of a process that died.
    """

    how: str
    value: Any = None
    error: tuple[str, ...] = ()
    message: str = ""


def run_in_fork(function: Callable[[], Any], seconds: float, memory: int | None = None) -> Ended:
    """Call a function in a forked process.

    Args:
        function: returns plain JSON values; what it prints is discarded.
        seconds: time after which the process is killed.
        memory: bytes of address space that it may take beyond this process's; None for any number.
    """
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        _be_the_fork(function, writing, memory)
    os.close(writing)
    report, in_time = _read_until(reading, time.monotonic() + seconds)
    os.close(reading)
    if not in_time:
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    if not in_time:
        return Ended("late", message=f"it ran for more than {seconds:g} seconds")
    if not report:
        return Ended("died", message=f"exit code {os.waitstatus_to_exitcode(status)}")
    values = json.loads(report)
    return Ended(values["how"], values["value"], tuple(values["error"]), values["message"])


def _be_the_fork(function: Callable[[], Any], writing: int, memory: int | None) -> None:
    """Report what the function does, and end the process; never returns."""
    try:
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        if memory is not None:
            limit = _address_space() + memory
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        report = {"how": "returned", "value": function(), "error": (), "message": ""}
    except BaseException as error:
        kinds = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__]
        report = {"how": "raised", "value": None, "error": kinds, "message": str(error)[:20_000]}
    try:
        data = json.dumps(report).encode()
        while data:
            data = data[os.write(writing, data) :]
    finally:
        os._exit(0)


def _address_space() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _read_until(reading: int, deadline: float) -> tuple[bytes, bool]:
    """Read to the end; returns the bytes, and whether it ended in time."""
    parts: list[bytes] = []
    while (left := deadline - time.monotonic()) > 0:
        if select.select([reading], [], [], left)[0]:
            if not (part := os.read(reading, 1 << 16)):
                return b"".join(parts), True
            parts.append(part)
    return b"", False
