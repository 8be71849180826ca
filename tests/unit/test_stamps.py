"""What the recorder keeps of the moments at which the kernel received answers."""

from __future__ import annotations

import struct

from tidal.generator.stamps import NOTED_A_BATCH, SO_TIMESTAMPNS, UNKNOWN, Delays, Last, delay_s, last


def test_a_delay_goes_with_the_latency_without_it() -> None:
    """Both are spreads; taken, they begin anew."""
    delays = Delays()
    delays.note(30, 100)
    delay, undelayed = delays.take()
    assert delay is not None
    assert undelayed is not None
    assert (delay.max_us, undelayed.max_us) == (30, 70)
    assert delays.take() == (None, None)


def test_a_clock_that_was_set_is_noticed() -> None:
    """No answer lies in the kernel longer than its request took."""
    delays = Delays()
    delays.note(200, 100)
    assert delays.take() == (None, None)


def test_busy_generators_look_at_some_of_the_answers() -> None:
    """As many as before a batch would have been enough, evenly; a quiet one looks at all."""
    delays = Delays()
    for _ in range(NOTED_A_BATCH * 3):
        delays.note(1, 2)
    delays.take()
    assert last.every == 4
    delays.take()
    assert last.every == 1
    turn = Last()
    turn.every = 4
    assert [turn.is_due() for _ in range(8)] == [False, False, False, True] * 2


def test_what_the_kernel_did_not_say_is_unknown() -> None:
    """Nothing, or something else."""
    assert delay_s([]) == UNKNOWN
    assert delay_s([(1, 2, b"")]) == UNKNOWN
    if SO_TIMESTAMPNS is not None:
        assert delay_s([(1, SO_TIMESTAMPNS, struct.pack("qq", 1 << 33, 0))]) == 0.0
        assert delay_s([(1, SO_TIMESTAMPNS, struct.pack("qq", 1, 0))]) > 0
