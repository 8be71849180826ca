"""Waits between tasks, in Locust's language."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tidal import waits


def test_between_and_constant() -> None:
    """Seconds, whoever asks."""
    assert all(1 <= waits.between(1, 3)(None) <= 3 for _ in range(100))
    assert waits.constant(2)(None) == 2


def test_pacing_takes_the_tasks_time_off_and_never_catches_up() -> None:
    """A task of 0.4 s leaves 0.6 of a second's pace; one of 5 s leaves nothing, and no debt."""
    wait = waits.constant_pacing(100)
    now = waits.perf_counter()
    user = SimpleNamespace(_cp_last_run=now - 40, _cp_last_wait_time=0.0)
    assert_just_under(60, wait(user), now)
    user._cp_last_run, user._cp_last_wait_time = now - 500, 0.0
    assert wait(user) == 0
    assert_just_under(100, wait(user), now)


def assert_just_under(whole_s: float, wait_s: float, since_s: float) -> None:
    """So much, less what this test itself has taken."""
    assert whole_s - (waits.perf_counter() - since_s) <= wait_s <= whole_s


def test_throughput_is_the_inverse_of_pacing() -> None:
    """Four in a hundred seconds: twenty-five seconds each."""
    now = waits.perf_counter()
    user = SimpleNamespace(_cp_last_run=now, _cp_last_wait_time=0.0)
    assert_just_under(25, waits.constant_throughput(0.04)(user), now)


@pytest.mark.parametrize("make", [waits.constant_throughput, waits.poisson])
def test_a_rate_that_cannot_be_is_refused_where_it_is_written(make: object) -> None:
    """Zero and less."""
    with pytest.raises(ValueError, match="positive"):
        make(0)
