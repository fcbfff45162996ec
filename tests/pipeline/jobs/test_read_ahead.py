"""Reading in a thread, in order."""

import threading

import pytest

from ezsd.pipeline.jobs.read_ahead import AHEAD, read_ahead


def test_rows_come_in_order_and_few_wait() -> None:
    read: list[int] = []

    def one(row: int) -> int:
        read.append(row)
        return 10 * row

    taken = []
    for place, photo in enumerate(read_ahead(one, range(7))):
        taken.append(photo)
        assert len(read) <= place + 1 + AHEAD
    assert taken == [10 * row for row in range(7)]
    assert list(read_ahead(one, [])) == []


def test_the_reader_is_another_thread_and_its_errors_arrive() -> None:
    def fail(row: int) -> int:
        assert threading.current_thread() is not threading.main_thread()
        raise ValueError(f"row {row}")

    with pytest.raises(ValueError, match="row 4"):
        next(read_ahead(fail, [4, 5, 6]))
