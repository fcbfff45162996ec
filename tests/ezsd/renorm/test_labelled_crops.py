"""Work ahead of its use: in order, bounded, and with its errors in their place."""

import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ezsd.renorm.labelled_crops import AHEAD_A_THREAD, compute_ahead, regroup


def test_results_come_in_the_order_of_the_items_whatever_ends_first() -> None:
    second_done = threading.Event()

    def wait_for_the_second(item: int) -> int:
        if item == 0:
            assert second_done.wait(30)
        if item == 1:
            second_done.set()
        return 10 * item

    assert list(compute_ahead(wait_for_the_second, range(9), threads=2)) == [10 * item for item in range(9)]


@pytest.mark.parametrize("threads", [1, 3])
def test_later_items_are_begun_before_they_are_asked_for_but_only_so_many(threads: int) -> None:
    begun: list[int] = []
    ahead = compute_ahead(begun.append, range(100), threads)
    next(ahead)
    ahead.close()
    assert 1 <= len(begun) <= AHEAD_A_THREAD * threads + 1


def test_an_error_comes_out_in_its_items_place() -> None:
    ahead = compute_ahead(lambda item: 1 // item, [1, 0, 1], threads=2)
    assert next(ahead) == 1
    with pytest.raises(ZeroDivisionError):
        next(ahead)


def test_nothing_to_do() -> None:
    assert list(compute_ahead(str, [], threads=2)) == []


@given(st.lists(st.integers(0, 9)), st.integers(1, 7))
def test_regrouping_keeps_all_rows_in_order_and_fills_all_groups_but_the_last(
    sizes: list[int], size: int
) -> None:
    rows = torch.arange(sum(sizes))
    groups = list(regroup(rows.split(sizes) if sizes else [], size))
    assert torch.equal(torch.cat([rows[:0], *groups]), rows)
    assert all(len(group) == size for group in groups[:-1]) and all(map(len, groups))
