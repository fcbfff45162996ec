"""How a rate is measured within a limit of time: on a clock that only the task moves."""

from collections.abc import Callable

import pytest

from ezsd.pipeline.plan.rates import Rate, Repeats, repeat


class Machine:
    """A clock, and a task that takes some seconds by its size."""

    def __init__(self, seconds_of: Callable[[int], float]) -> None:
        self.now, self.sizes = 0.0, list[int]()
        self._seconds_of = seconds_of

    def take(self, size: int) -> None:
        self.sizes.append(size)
        self.now += self._seconds_of(size)

    def measure(self, sizes: tuple[int, ...], seconds: float) -> Repeats:
        return repeat(self.take, sizes, seconds, lambda: self.now)


def test_sizes_grow_while_the_next_should_take_half_of_the_time_that_is_left() -> None:
    machine = Machine(lambda size: 0.25 * size)
    repeats = machine.measure((1, 2, 4, 8), 6.0)
    # size 1 twice takes 0.5 s; then 0.5 of 5.5 s, 1.0 of 5.0, 2.0 of the 4.0 that are left; one repeat fits
    assert machine.sizes == [1, 1, 2, 4, 8, 8]
    assert machine.now == 6.0 and repeats == Repeats(8, [2.0, 2.0], (1, 0.25))


def test_a_slow_machine_takes_only_the_smallest_size_and_its_warm_up() -> None:
    machine = Machine(lambda size: 30.0 * size)
    assert machine.measure((1, 2), 5.0) == Repeats(1, [30.0], (1, 30.0))
    assert machine.sizes == [1, 1]


def test_a_fast_machine_stops_after_nine_repeats() -> None:
    assert len(Machine(lambda size: 0.001).measure((1,), 5.0).seconds) == 9


def test_a_rate_is_the_median_of_a_unit_with_the_tenth_and_ninetieth_percentile() -> None:
    assert Repeats(2, [2.0, 3.0, 4.0, 5.0, 26.0], (2, 2.0)).rate() == Rate(2.0, 1.2, pytest.approx(8.8))


def test_a_larger_size_is_on_the_line_through_the_two_that_were_measured() -> None:
    # 2 s of size 10 and 3 s of size 20: a tenth of a second for each further unit
    rate = Repeats(20, [3.0], (10, 2.0)).rate_at(40)
    assert rate == Rate(pytest.approx(5.0), pytest.approx(5.0), pytest.approx(6.0))


def test_what_was_measured_once_grows_in_proportion() -> None:
    assert Repeats(10, [2.0], (10, 2.0)).rate_at(40) == Rate(8.0, 8.0, 8.0)
    assert Repeats(40, [2.0], (10, 1.0)).rate_at(40) == Rate(2.0, 2.0, 2.0)


def test_rates_add_up_with_their_ranges() -> None:
    assert Rate(1.0, 0.5, 2.0) * 10 + Rate(3.0, 3.0, 4.0) == Rate(13.0, 8.0, 24.0)
