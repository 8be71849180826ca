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
    wait = waits.constant_pacing(1)
    now = waits.perf_counter()
    user = SimpleNamespace(_cp_last_run=now - 0.4, _cp_last_wait_time=0.0)
    assert wait(user) == pytest.approx(0.6, abs=0.05)
    user._cp_last_run, user._cp_last_wait_time = now - 5, 0.0
    assert wait(user) == 0
    assert wait(user) == pytest.approx(1, abs=0.05)


def test_throughput_is_the_inverse_of_pacing() -> None:
    """Four a second: a quarter of a second each."""
    user = SimpleNamespace(_cp_last_run=waits.perf_counter(), _cp_last_wait_time=0.0)
    assert waits.constant_throughput(4)(user) == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("make", [waits.constant_throughput, waits.poisson])
def test_a_rate_that_cannot_be_is_refused_where_it_is_written(make: object) -> None:
    """Zero and less."""
    with pytest.raises(ValueError, match="positive"):
        make(0)
