"""How a rate is measured within a limit of time: on a clock that only the task moves."""

from collections.abc import Callable

import pytest

from ezsd.pipeline.plan.rates import Rate, Repeats, repeat


def near(*values: float) -> Rate:
    return Rate(*(pytest.approx(value) for value in values))


class Machine:
    """A clock, and a task that takes some seconds by its size."""

    def __init__(self, seconds_of: Callable[[int], float], busy: float = 1.0) -> None:
        self.now, self.busy, self.sizes = 0.0, busy, list[int]()
        self._seconds_of = seconds_of

    def take(self, size: int) -> None:
        self.sizes.append(size)
        self.now += self._seconds_of(size)

    def measure(self, sizes: tuple[int, ...], seconds: float) -> Repeats:
        return repeat(self.take, sizes, seconds, lambda: self.now / self.busy, lambda: self.now)


def test_sizes_grow_while_there_is_twice_the_time_left_that_the_next_should_take() -> None:
    machine = Machine(lambda size: 0.25 * size)
    repeats = machine.measure((1, 4, 16, 64), 13.0)
    # size 1 twice takes 0.5 s, then 4 and 16 take 1 and 4 s; 64 should take twice 4 of the 7.5 s left
    assert machine.sizes == [1, 1, 4, 16, 16]
    assert machine.now == 9.5 and repeats == Repeats(16, [4.0, 4.0], (1, 0.25))


def test_other_programs_take_of_the_limit_but_do_not_count() -> None:
    machine = Machine(lambda size: 2.0 * size, busy=4.0)
    assert machine.measure((1,), 7.0) == Repeats(1, [0.5, 0.5], (1, 0.5))
    assert machine.now == 6.0


def test_a_slow_machine_takes_only_the_two_smallest_sizes_and_each_once() -> None:
    machine = Machine(lambda size: 30.0 * size)
    assert machine.measure((1, 2, 4), 5.0) == Repeats(2, [60.0], (1, 30.0))
    assert machine.sizes == [1, 2]


def test_a_fast_machine_stops_after_nine_repeats() -> None:
    assert len(Machine(lambda size: 0.001).measure((1,), 5.0).seconds) == 9


def test_a_rate_is_the_median_of_a_unit_with_the_tenth_and_ninetieth_percentile() -> None:
    assert Repeats(2, [2.0, 3.0, 4.0, 5.0, 26.0], (2, 2.0)).rate() == Rate(2.0, 1.2, pytest.approx(8.8))


def test_a_larger_size_is_on_the_line_through_the_two_that_were_measured() -> None:
    # 2 s of size 10 and 3 s of size 20: a tenth of a second for each further unit; 3 s if nothing grows
    assert Repeats(20, [3.0], (10, 2.0)).rate_at(40) == near(5.0, 3.0, 7.0)
    assert Repeats(40, [2.0], (10, 1.0)).rate_at(40) == Rate(2.0, 2.0, 2.0)


def test_what_was_measured_at_one_size_grows_in_proportion() -> None:
    assert Repeats(10, [2.0], (10, 2.0)).rate_at(40) == Rate(8.0, 2.0, 14.0)


def test_rates_add_up_with_their_ranges() -> None:
    assert Rate(1.0, 0.5, 2.0) * 10 + Rate(3.0, 3.0, 4.0) == Rate(13.0, 8.0, 24.0)
