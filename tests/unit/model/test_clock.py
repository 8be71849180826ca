from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tidal.model.clock import JUMP_US, SAMPLES_KEPT, Clock

OFFSET_US = 1_700_000_000_000_000


def _exchange(clock: Clock, at_us: int, offset_us: int, there_us: int = 100, back_us: int = 100) -> int:
    """An exchange with a server whose clock is `offset_us` ahead of ours; returns the jump."""
    return clock.sample(at_us, at_us + there_us + offset_us, at_us + there_us + back_us)


TRIPS = st.lists(st.tuples(st.integers(0, 400_000), st.integers(0, 400_000)), min_size=1, max_size=60)


@settings(deadline=None)
@given(TRIPS)
def test_the_truth_is_within_the_error(trips: list[tuple[int, int]]) -> None:
    """Whatever way an exchange's time was spent, the best one bounds the offset."""
    clock, at_us = Clock(), 0
    for there_us, back_us in trips:
        assert _exchange(clock, at_us, OFFSET_US, there_us, back_us) == 0
        at_us += 500_000_000  # long enough for any slew to end
    best_us = min(there + back for there, back in trips[-SAMPLES_KEPT:])
    assert clock.error_us == best_us // 2
    assert abs(clock.redis_us(at_us) - at_us - OFFSET_US) <= best_us // 2 + 1


@settings(deadline=None)
@example([(262_145, 0), (0, 0), (0, 0)], -868_928)  # still slewed to the second exchange when the clock drifts
@given(TRIPS, st.integers(-900_000, 900_000))
def test_time_never_runs_backwards(trips: list[tuple[int, int]], drift_us: int) -> None:
    """Below a jump the estimate is slewed: each moment told is later than the one before."""
    clock, at_us, told_us = Clock(), 0, 0
    for index, (there_us, back_us) in enumerate(trips):
        _exchange(clock, at_us, OFFSET_US + (drift_us if index > len(trips) // 2 else 0), there_us, back_us)
        at_us += there_us + back_us
        for later_us in (0, 100, 500_000):
            now_us = clock.redis_us(at_us + later_us)
            assert now_us >= told_us
            told_us = now_us
        at_us += 500_000


def test_a_jump_is_stepped_and_said() -> None:
    """A failover to a server whose clock is ten seconds off."""
    clock = Clock()
    _exchange(clock, 0, OFFSET_US)
    assert _exchange(clock, 1_000_000, OFFSET_US - 10_000_000) == -10_000_000
    assert clock.offset_us == OFFSET_US - 10_000_000
    assert _exchange(clock, 2_000_000, OFFSET_US - 10_000_000) == 0


def test_a_slow_answer_is_no_jump() -> None:
    """Nine seconds of waiting for the answer put the middle far off; the best exchange still holds."""
    clock = Clock()
    _exchange(clock, 0, OFFSET_US)
    assert _exchange(clock, 1_000_000, OFFSET_US, 100, 9_000_000) == 0
    assert abs(clock.offset_us - OFFSET_US) <= 100


def test_below_a_jump_the_clock_is_slewed() -> None:
    """Half a second off is made good at 5 ms a second, between the exchanges too."""
    clock = Clock()
    _exchange(clock, 0, OFFSET_US)
    assert _exchange(clock, 1_000_000, OFFSET_US - JUMP_US // 2, 50, 50) == 0
    assert clock.redis_us(1_000_100) == 1_000_100 + OFFSET_US
    assert clock.redis_us(11_000_100) == 11_000_100 + OFFSET_US - 50_000
    assert clock.redis_us(999_000_000) == 999_000_000 + OFFSET_US - JUMP_US // 2


def test_before_the_first_exchange_there_is_no_time() -> None:
    """And its age and error are nothing, not an exception."""
    clock = Clock()
    assert (clock.is_set, clock.error_us, clock.offset_us) == (False, 0, 0)
    _exchange(clock, 1_000, OFFSET_US)
    assert (clock.is_set, clock.redis_us(5), clock.redis_ms(5_000)) == (True, OFFSET_US + 5, OFFSET_US // 1000 + 5)
