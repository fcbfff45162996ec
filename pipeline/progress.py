"""Progress of long work, with rate and time left: a bar on a terminal, plain lines in a log."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

SECONDS_BETWEEN_LINES = 10.0
WORKERS_LISTED = 8


def format_seconds(seconds: float) -> str:
    """`75.2` -> `1:15`, `4000` -> `1:06:40`."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes}:{secs:02d}"


class Progress:
    """Counts the finished units of a task and their rate.

    Args:
        label: name of the task, for instance `mine`.
        total: number of units.
        unit: plural name of a unit, for instance `photos`.
        done: units that an interrupted run finished; they do not count towards the rate.
    """

    def __init__(self, label: str, total: int, unit: str, done: int = 0) -> None:
        self.label, self.total, self.unit = label, total, unit
        self.done, self._skipped = done, done
        self.tallies: Counter[str] = Counter()
        self.by_worker: Counter[str] = Counter()
        self.note = ""
        self._start = time.monotonic()

    def advance(self, units: int, worker: str = "", **tallies: float) -> None:
        """Add units that `worker` finished, and tallies (`forwards=12750`) that are shown as rates."""
        self.done += units
        self.by_worker[worker] += units
        self.tallies.update(tallies)

    def say(self, note: str) -> None:
        """Show a short note after the numbers, for instance the loss."""
        self.note = note

    def line(self) -> str:
        """`mine: 320/800 photos, 21.3 photos/s, 4100 forwards/s, 0:23 left`."""
        elapsed = max(time.monotonic() - self._start, 1e-9)
        fresh = self.done - self._skipped
        parts = [f"{self.label}: {self.done}/{self.total} {self.unit}"]
        if fresh:
            parts.append(f"{fresh / elapsed:.1f} {self.unit}/s")
            parts += [f"{count / elapsed:.0f} {name}/s" for name, count in self.tallies.items()]
            if self.done < self.total:
                parts.append(f"{format_seconds((self.total - self.done) * elapsed / fresh)} left")
            else:
                parts.append(f"took {format_seconds(elapsed)}")
        if len(self.by_worker) > 1:
            parts.append(self._shares())
        if self.note:
            parts.append(self.note)
        return ", ".join(parts)

    def _shares(self) -> str:
        """Units of each worker; of many workers only the least and the most."""
        counts = [self.by_worker[worker] for worker in sorted(self.by_worker)]
        if len(counts) <= WORKERS_LISTED:
            return f"by worker {' + '.join(map(str, counts))}"
        return f"{min(counts)} to {max(counts)} by each of {len(counts)} workers"


class _LineReporter(Progress):
    """Plain lines, at most one every few seconds, and one at the end."""

    def __init__(self, label: str, total: int, unit: str, done: int, stream: TextIO) -> None:
        super().__init__(label, total, unit, done)
        self._stream, self._last = stream, time.monotonic()

    def advance(self, units: int, worker: str = "", **tallies: float) -> None:
        super().advance(units, worker, **tallies)
        now = time.monotonic()
        if now - self._last >= SECONDS_BETWEEN_LINES and self.done < self.total:
            self._last = now
            self.print_line()

    def print_line(self) -> None:
        print(self.line(), file=self._stream, flush=True)


class _BarReporter(Progress):
    """A live bar."""

    def __init__(self, label: str, total: int, unit: str, done: int, bars: "RichProgress") -> None:
        super().__init__(label, total, unit, done)
        self._bars = bars
        self._task = bars.add_task(label, total=total, completed=done, line="")

    def advance(self, units: int, worker: str = "", **tallies: float) -> None:
        super().advance(units, worker, **tallies)
        self._bars.update(self._task, completed=self.done, line=self.line())


@contextmanager
def show_progress(
    label: str, total: int, unit: str, done: int = 0, stream: TextIO | None = None
) -> Iterator[Progress]:
    """Show progress on `stream`, standard error by default: a bar on a terminal, plain lines elsewhere."""
    stream = stream or sys.stderr
    if not stream.isatty():
        reporter = _LineReporter(label, total, unit, done, stream)
        yield reporter
        reporter.print_line()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as RichProgress
    from rich.table import Column

    line = TextColumn("{task.fields[line]}", table_column=Column())  # wraps a line that is too long
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), line)
    with RichProgress(*columns, console=Console(file=stream), refresh_per_second=4) as bars:
        yield _BarReporter(label, total, unit, done, bars)
