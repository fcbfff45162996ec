"""Progress says how far, how fast and how long."""

import io
import re

import pytest

from ezsd.pipeline.progress import Progress, format_seconds, show_progress


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (75.2, "1:15"), (4000, "1:06:40")]
)
def test_seconds_read_as_a_clock(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_a_log_gets_plain_lines_with_rates() -> None:
    log = io.StringIO()
    with show_progress("mine", 10, "photos", done=4, stream=log) as progress:
        progress.advance(3, forwards=600)
        assert "left" in progress.line()
        progress.advance(3, forwards=600)
    assert log.getvalue().startswith("mine: 10/10 photos, ")
    assert "photos/s" in log.getvalue() and "forwards/s" in log.getvalue() and "took" in log.getvalue()
    assert "\x1b" not in log.getvalue()


def test_nothing_to_do_is_shown_too() -> None:
    log = io.StringIO()
    with show_progress("embed", 8, "photos", done=8, stream=log):
        pass
    assert log.getvalue() == "embed: 8/8 photos, took 0:00\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_bar_takes_one_line_of_any_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    terminal, note = Terminal(), "loss 2.345 (classification 1.214, box 1.131), memory 1.20 GiB"
    with show_progress("mine: train proposal network", 2000, "steps", stream=terminal) as progress:
        progress.say(note)
        progress.advance(1999, "0", forwards=4)
        progress.advance(1, "1", images=4)
    frames = re.split(r"[\r\n]+", ANSI.sub("", terminal.getvalue()))
    assert max(map(len, frames)) <= width
    (last,) = [frame for frame in frames if "2000/2000 steps" in frame][-1:]
    assert last.startswith("mine: train proposal network") and "━━━" in last
    assert ("took 0:00" in last) == (width >= 80) and (note in last) == (width == 200)
    assert terminal.getvalue().count("\n") == 1  # each frame replaces the one before


def test_time_goes_on_while_nothing_finishes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    progress = Progress("mine", 10, "photos")
    clock[0] = 107
    assert progress.line() == "mine: 0/10 photos, 0:07 so far"
    clock[0] = 120
    progress.advance(5)
    assert "0:20 left" in progress.line()
    clock[0] = 135
    assert "0:05 left" in progress.line()
    clock[0] = 160
    assert "0:00 left" in progress.line()


def test_several_workers_are_told_apart_and_one_is_not() -> None:
    with show_progress("mine", 30, "photos", stream=io.StringIO()) as progress:
        progress.advance(5, "0")
        assert "worker" not in progress.line()
        progress.advance(10, "1")
        progress.advance(10, "0")
        assert progress.line().endswith("by worker 15 + 10")


def test_of_many_workers_only_the_least_and_the_most_are_told() -> None:
    with show_progress("mine", 100, "photos", stream=io.StringIO()) as progress:
        for worker in range(9):
            progress.advance(worker + 1, str(worker))
        assert progress.line().endswith("1 to 9 by each of 9 workers")
