"""Progress says how far, how fast and how long."""

import io

import pytest

from ezsd.pipeline.progress import format_seconds, show_progress


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


def test_nothing_to_do_is_said_too() -> None:
    log = io.StringIO()
    with show_progress("embed", 8, "photos", done=8, stream=log):
        pass
    assert log.getvalue() == "embed: 8/8 photos\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_narrow_terminal_shows_the_whole_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    with show_progress("train", 2, "steps", stream=terminal) as progress:
        progress.say("loss 2.345 (classification 1.214, box 1.131), memory 1.20 GiB")
        progress.advance(2, images=4)
    words = set(terminal.getvalue().split())
    assert {"(classification", "1.131),", "1.20", "GiB"} <= words


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
