"""Progress of long work, with rate and time left: a bar on a terminal, plain lines in a log."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

SECONDS_BETWEEN_LINES = 10.0
WORKERS_LISTED = 8
LEAST_BAR = 8
"""Width of the narrowest bar, in characters."""


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
        self._start = self._last = time.monotonic()

    def advance(self, units: int, worker: str = "", **tallies: float) -> None:
        """Add units that `worker` finished, and tallies (`forwards=12750`) that are shown as rates."""
        self.done += units
        self._last = time.monotonic()
        self.by_worker[worker] += units
        self.tallies.update(tallies)

    def say(self, note: str) -> None:
        """Show a short note after the numbers, for instance the loss."""
        self.note = note

    def line(self) -> str:
        """`mine: 320/800 photos, 0:23 left, 21.3 photos/s, 4100 forwards/s`."""
        return f"{self.label}: {', '.join(self._parts())}"

    def fit(self, width: int) -> str:
        """As many parts of the line as `width` characters hold, the first always; without the label."""
        first, *rest = self._parts()
        for part in rest:
            if len(first) + 2 + len(part) <= width:
                first = f"{first}, {part}"
        return first

    def _parts(self) -> list[str]:
        """What is shown, the most important first."""
        elapsed = max(time.monotonic() - self._start, 1e-9)
        fresh = self.done - self._skipped
        parts = [f"{self.done}/{self.total} {self.unit}", self._time(elapsed, fresh)]
        if fresh:
            parts.append(f"{fresh / elapsed:.1f} {self.unit}/s")
            parts += [f"{count / elapsed:.0f} {name}/s" for name, count in self.tallies.items()]
        if len(self.by_worker) > 1:
            parts.append(self._shares())
        return [*parts, self.note] if self.note else parts

    def _time(self, elapsed: float, fresh: int) -> str:
        """`0:23 left`; until something has finished, and at the end, the time that has passed."""
        if self.done == self.total:
            return f"took {format_seconds(elapsed)}"
        if not fresh:
            return f"{format_seconds(elapsed)} so far"
        until_last = self._last - self._start
        left = (self.total - self.done) * until_last / fresh - (elapsed - until_last)
        return f"{format_seconds(max(left, 0))} left"

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
        self._stream, self._printed = stream, time.monotonic()

    def advance(self, units: int, worker: str = "", **tallies: float) -> None:
        super().advance(units, worker, **tallies)
        now = time.monotonic()
        if now - self._printed >= SECONDS_BETWEEN_LINES and self.done < self.total:
            self._printed = now
            self.print_line()

    def print_line(self) -> None:
        print(self.line(), file=self._stream, flush=True)


@contextmanager
def show_progress(
    label: str, total: int, unit: str, done: int = 0, stream: TextIO | None = None
) -> Iterator[Progress]:
    """Show progress on `stream`, standard error by default: a bar on a terminal, plain lines elsewhere."""
    stream = stream or sys.stderr
    if stream.isatty():
        with _show_bar(Progress(label, total, unit, done), stream) as progress:
            yield progress
        return
    reporter = _LineReporter(label, total, unit, done, stream)
    yield reporter
    reporter.print_line()


@contextmanager
def _show_bar(progress: Progress, stream: TextIO) -> Iterator[Progress]:
    """Draw a line with a bar four times a second, so that it also moves while nothing finishes."""
    from rich.console import Console
    from rich.live import Live
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    console = Console(file=stream)

    def line() -> Table:
        text = progress.fit(console.width - len(progress.label) - LEAST_BAR - 2)
        row = Table.grid(padding=(0, 1), expand=True)
        row.add_column(no_wrap=True)
        row.add_column(ratio=1, min_width=LEAST_BAR)
        row.add_column(no_wrap=True, overflow="ellipsis")
        row.add_row(progress.label, ProgressBar(progress.total, progress.done), text)
        return row

    with Live(get_renderable=line, console=console, refresh_per_second=4):
        yield progress
