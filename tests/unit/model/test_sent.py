"""Tallies as they came count like any others: laws over drawn tallies, and what is in doubt is left to `Tally`."""

from __future__ import annotations

import pickle
from copy import copy, deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal.model.codec import pack, unpack
from tidal.model.samples import COUNT_MAX
from tidal.model.sent import SentTally, sent_tallies, slow_of, summed, summed_spreads
from tidal.model.stats import SentSpread, Spread, Tally

SAMPLES = st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**6), st.booleans()), min_size=1, max_size=30)


def tally_of(samples: list[tuple[int, int, bool]]) -> Tally:
    """A tally of latencies, lengths and whether each failed."""
    tally = Tally()
    for latency_us, length, failed in samples:
        tally.add(latency_us, length, failed=failed)
    return tally


def sent(tallies: list[Tally]) -> list[Tally]:
    """The same after a way over the wire."""
    told = sent_tallies([unpack(pack(tally.to_wire())) for tally in tallies], COUNT_MAX)
    assert told is not None
    return told


@given(st.lists(SAMPLES, min_size=1, max_size=6))
def test_the_sum_of_columns_is_that_of_tallies(drawn: list[list[tuple[int, int, bool]]]) -> None:
    """Whatever was looked at before."""
    tallies, whole = [tally_of(samples) for samples in drawn], Tally()
    for tally in tallies:
        whole.merge(tally)
    assert summed(sent(tallies)) == whole
    looked = sent(tallies)
    assert looked[0].histogram == tallies[0].histogram
    assert summed([*looked[1:], looked[0]]) == whole
    assert summed([*sent(tallies), Tally()]) == whole


@given(SAMPLES)
def test_what_came_is_a_tally_like_any_other(samples: list[tuple[int, int, bool]]) -> None:
    """It compares, is copied, packed and added to."""
    tally, (told,) = tally_of(samples), sent([tally_of(samples)])
    assert isinstance(told, SentTally)
    assert slow_of(told) == tally.max_us == slow_of(tally)
    assert deepcopy(told) == told.copy() == told == tally
    assert told.to_wire() == tally.to_wire()
    (other,) = sent([tally])
    other.add(5, 1, failed=True)
    tally.add(5, 1, failed=True)
    assert (other, other.percentiles_us(0.5)) == (tally, tally.percentiles_us(0.5))


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, 3), (0, True), (1, 9), (4, -1), (4, COUNT_MAX), (7, 1.0), (8, [1]), (8, [5, 0]), (8, [5, True]),
     (8, [5, 2_800]), (8, [-1, 9]), (9, b"\x00\x02"), (9, b"\x01\x02"), (9, [1, 1]), (9, "11")],
)  # fmt: skip
def test_what_is_in_doubt_is_not_taken(place: int, value: object) -> None:
    """One of a block is enough: then each is read by `Tally.from_wire`, which accepts or says what is wrong."""
    good = tally_of([(300, 1, False), (900, 1, False)]).to_wire()
    bad = [*good]
    bad[place] = value
    assert sent_tallies([good, good], COUNT_MAX) is not None
    assert sent_tallies([good, bad], COUNT_MAX) is None


def test_a_copy_of_a_spread_has_no_window() -> None:
    """What is added to it later counts, however it was copied."""
    for other_of in (copy, deepcopy, lambda one: pickle.loads(pickle.dumps(one))):  # noqa: S301 - it is ours
        spread = Spread()
        for time_us in range(900, 1_400):
            spread.add(time_us)
        came = Spread.from_wire(unpack(pack(spread.to_wire())))
        assert isinstance(came, SentSpread)
        other = other_of(came)
        other.add(5_000)
        assert (summed_spreads([other]).count, summed_spreads([came]).count) == (501, 500)


def test_a_copy_of_a_tally_has_no_columns() -> None:
    """As of a spread: what is added to it later counts."""
    for other_of in (copy, deepcopy, lambda one: pickle.loads(pickle.dumps(one))):  # noqa: S301 - it is ours
        (came,) = sent([tally_of([(900, 1, False)])])
        assert isinstance(came, SentTally)
        other = other_of(came)
        other.add(5_000, 1, failed=False)
        assert (summed([other, other]).requests, summed([came, came]).requests) == (4, 2)


def test_what_was_not_timed_is_never_the_slowest() -> None:
    """It has no latency at all."""
    tally = Tally()
    tally.add(None, 1, failed=False)
    assert slow_of(tally) == -1
    assert sent_tallies([tally.to_wire()], COUNT_MAX) is None
