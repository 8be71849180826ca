"""What came in the last seconds, from looks at sums."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal.model.stats import Tally
from tidal.model.window import Window, difference

HOME, SHOP = ("GET", "/"), ("GET", "/shop")


def sums(**counts: int) -> dict[tuple[str, str], Tally]:
    """Sums of so many requests of 1 ms."""
    made = {}
    for name, count in counts.items():
        tally = made["GET", f"/{name}".removesuffix("home")] = Tally()
        for _ in range(count):
            tally.add(1_000, 10, failed=False)
    return made


def test_the_first_look_belongs_to_no_window_unless_it_is_said_since_when() -> None:
    """A viewer that comes late does not take an hour's requests for a second's."""
    late, fresh = Window(10), Window(10, since_s=0.0)
    for window in (late, fresh):
        window.look(2.0, sums(home=100))
    assert late.rates(HOME) == (0.0, 0.0)
    assert fresh.rates(HOME) == (50.0, 0.0)


def test_what_is_older_than_the_window_is_forgotten() -> None:
    """Also in memory."""
    window = Window(10, since_s=0.0)
    for second in range(1, 101):
        window.look(float(second), sums(home=second * 2, shop=min(second, 50)))
        assert len(window._changes) <= 11
    assert window.rates(HOME) == (2.0, 0.0)
    assert window.rates(SHOP) == (0.0, 0.0)
    assert window.of(None).requests == 20
    assert window.covered_s == 10.0


def test_looks_within_a_second_are_one() -> None:
    """A screen may look as often as it likes."""
    window = Window(10, since_s=0.0)
    for step in range(1, 41):
        window.look(step / 8, sums(home=step))
    assert len(window._changes) == 6
    assert window.rates(HOME) == (8.0, 0.0)


def test_a_sum_that_was_reset_begins_anew() -> None:
    """And never counts backwards."""
    window = Window(10, since_s=0.0)
    window.look(1.0, sums(home=100))
    window.look(2.0, sums(home=3))
    assert window.of(HOME).requests == 103
    window.look(3.0, {})
    window.look(4.0, sums(home=5))
    assert window.of(HOME).requests == 108


def test_a_rate_goes_back_to_the_begin_of_the_run_only() -> None:
    """Time before it would thin it out; less than a second is no rate."""
    window = Window(10, since_s=0.0)
    window.look(8.0, {})
    window.look(10.0, sums(home=8))
    assert window.rates(HOME, 8.0) == (4.0, 0.0)
    assert window.rates(HOME, 9.99) == (8.0, 0.0)
    assert window.rates(HOME) == (0.8, 0.0)


def test_percentiles_are_those_of_the_window() -> None:
    """From the difference of two histograms."""
    before, after = Tally(), Tally()
    for latency_us in (900_000, 900_000):
        before.add(latency_us, 0, failed=False)
    after.merge(before)
    after.add(5_000, 0, failed=True)
    came = difference(after, before)
    assert (came.requests, came.failures, came.timed) == (1, 1, 1)
    assert came.percentiles_us(1.0)[0] == pytest.approx(5_000, rel=0.006)


@given(st.lists(st.tuples(st.integers(0, 2_000_000), st.booleans()), max_size=30), st.integers(0, 30))
def test_a_difference_merged_back_is_the_whole(samples: list[tuple[int, bool]], cut: int) -> None:
    """Nothing is lost between two looks."""
    before, after = Tally(), Tally()
    for index, (latency_us, failed) in enumerate(samples):
        for tally in (before, after) if index < cut else (after,):
            tally.add(latency_us, 7, failed=failed)
    came = difference(after, before)
    again = before.copy()
    again.merge(came)
    assert (again.requests, again.failures, again.bytes, again.histogram) == (
        after.requests, after.failures, after.bytes, after.histogram,
    )  # fmt: skip


@pytest.mark.parametrize("smaller", ["requests", "failures"])
def test_what_became_smaller_was_begun_anew(smaller: str) -> None:
    """In either count."""
    before, now = Tally(requests=5, failures=2), Tally(requests=6, failures=3)
    assert difference(now, before).requests == 1
    setattr(now, smaller, 1)
    assert difference(now, before) == now


def test_a_window_keeps_its_last_look_however_old() -> None:
    """After a pause there is something to begin with; and without a look it covers nothing."""
    window = Window(10, since_s=0.0)
    assert (window.covered_s, window.rates(None)) == (0.0, (0.0, 0.0))
    window.look(1.0, sums(home=4))
    assert window.covered_s == 1.0
    window.look(500.0, sums(home=4))
    assert (window.of(None).requests, window.covered_s) == (0, 499.0)
