from __future__ import annotations

from math import ceil
from typing import Any

import pytest
from draws import LATENCY_US, SAMPLES, TALLY, tally_of
from histories import tally
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model.stats import BUCKET_COUNT, Spread, Tally, bucket_middle_us, bucket_of, merge_histogram, percentiles_us

Samples = list[tuple[int | None, int, bool, int | None]]


def _merged(*parts: Tally) -> Tally:
    whole = Tally()
    for part in parts:
        whole.merge(part)
    return whole


@settings(deadline=None)
@given(SAMPLES, SAMPLES, SAMPLES)
def test_merging_the_parts_gives_the_whole(a: Samples, b: Samples, c: Samples) -> None:
    """In any order and grouping, to the last microsecond and byte."""
    x, y, z = map(tally_of, (a, b, c))
    whole = tally_of(a + b + c)
    assert _merged(x, y, z) == _merged(z, x, y) == _merged(x, _merged(y, z)) == whole
    assert _merged(x, Tally()) == _merged(Tally(), x) == x


@settings(deadline=None)
@given(SAMPLES, st.lists(st.tuples(st.integers(1, 86_400_000_000), st.integers(0, 1 << 20))), SAMPLES)
def test_many_at_once_are_as_many_one_by_one(before: Samples, many: list[tuple[int, int]], after: Samples) -> None:
    """Whatever was counted before, and is counted after."""
    at_once, one_by_one = tally_of(before), tally_of(before)
    at_once.add_many([latency_us for latency_us, _ in many], sum(length for _, length in many))
    for latency_us, length in many:
        one_by_one.add(latency_us, length, failed=False)
    assert _merged(at_once, tally_of(after)) == _merged(one_by_one, tally_of(after))
    assert at_once == one_by_one


@given(*[st.dictionaries(st.integers(0, BUCKET_COUNT - 1), st.integers(1, 9))] * 2)
def test_histograms_add_up(a: dict[int, int], b: dict[int, int]) -> None:
    """Bucket by bucket, whichever is added to which."""
    one, other = dict(a), dict(b)
    merge_histogram(one, b)
    merge_histogram(other, a)
    assert one == other == {i: a.get(i, 0) + b.get(i, 0) for i in a.keys() | b.keys()}


def test_the_last_bucket_holds_whatever_is_longer() -> None:
    """Counted one by one or as a spread; so is a time below nothing in the first."""
    one, spread = tally([1 << 46, -5]), Spread()
    for time_us in (1 << 46, -5):
        spread.add(time_us)
    assert one.histogram == spread.histogram == {BUCKET_COUNT - 1: 1, 0: 1}
    assert (
        (spread.total_us, spread.min_us, spread.max_us)
        == (one.total_us, one.min_us, one.max_us)
        == (1 << 46, 0, 1 << 46)
    )


def test_requests_that_were_cancelled_add_up() -> None:
    """They are in no other figure."""
    assert _merged(Tally(cancelled=2), Tally(cancelled=3)) == Tally(cancelled=5)


def test_a_copy_stands_alone() -> None:
    """What is added to a copy is not in the original."""
    one = tally([5, 7])
    twin = one.copy()
    twin.add(9, 0, failed=True)
    assert (one, twin.requests) == (tally([5, 7]), 3)


# ------------------------------------------------------------------ percentiles


@settings(max_examples=200, deadline=None)
@given(st.lists(LATENCY_US, min_size=1, max_size=60), st.floats(0.0, 1.0))
def test_a_percentile_is_near_the_nearest_rank(latencies_us: list[int], quantile: float) -> None:
    """Within 0.5 % (and the half microsecond of rounding) of the truth, and never outside min and max."""
    ordered = sorted(latencies_us)
    truth_us = ordered[max(1, ceil(quantile * len(ordered) - 1e-9)) - 1]
    (told_us,) = tally(latencies_us).percentiles_us(quantile)
    assert abs(told_us - truth_us) <= 0.005 * truth_us + 0.5 + (truth_us == 0)
    assert ordered[0] <= told_us <= ordered[-1]


@settings(deadline=None)
@given(st.integers(1, 10**12))
def test_a_bucket_holds_what_is_within_half_a_percent_of_its_middle(latency_us: int) -> None:
    """At any size, up to eleven days."""
    assert abs(bucket_middle_us(bucket_of(latency_us)) - latency_us) <= 0.005 * latency_us + 0.5


@settings(deadline=None)
@given(st.floats(0, 1e15), st.floats(0, 1e15))
def test_buckets_keep_the_order_of_latencies(a: float, b: float) -> None:
    """A longer latency is never in a lower bucket; the last bucket takes all that is beyond."""
    low, high = sorted((a, b))
    assert 0 <= bucket_of(low) <= bucket_of(high) < BUCKET_COUNT


def test_percentiles_by_hand() -> None:
    """Ten samples: the median is the fifth, p90 the ninth, p91 the tenth."""
    made = tally([10, 20, 30, 40, 50, 60, 70, 80, 90, 100])
    assert made.percentiles_us(0.0, 0.5, 0.9, 0.91, 1.0) == (10, 50, 90, 100, 100)


def test_nothing_measured_is_zeros() -> None:
    """No sample: no percentile, no average, no division by zero."""
    assert percentiles_us({}, (0.5, 0.9), 0, 0) == (0, 0)
    assert (Tally().average_us, Tally().timed) == (0, 0)


def test_samples_without_latency_are_counted_apart() -> None:
    """They are requests, but in no latency figure, not even the minimum."""
    made = tally_of([(None, 5, False, 9), (300, 5, True, None), (None, 5, False, None)])
    assert (made.requests, made.timed, made.untimed, made.failures, made.bytes) == (3, 1, 2, 1, 15)
    assert (made.min_us, made.max_us, made.average_us) == (300, 300, 300)


def test_a_negative_latency_counts_as_zero() -> None:
    """A clock that ran backwards makes no negative sum."""
    made = tally_of([(-5, 0, False, None), (10, 0, False, None)])
    assert (made.min_us, made.total_us) == (0, 10)


def test_the_response_time_counts_from_the_intended_start() -> None:
    """Service time and lateness together; samples without an intended start are in the service times alone."""
    made = tally_of([(100, 0, False, 0), (100, 0, False, 900), (5, 0, False, None)])
    assert (made.max_us, made.timed) == (100, 3)
    assert made.response is not None
    assert (made.response.count, made.response.min_us, made.response.max_us) == (2, 100, 1_000)
    assert tally_of([(5, 0, False, None)]).response is None


def test_a_copy_has_response_times_of_its_own() -> None:
    """What is added to a copy is not in the original."""
    one = tally_of([(100, 0, False, 7)])
    one.copy().add(9, 0, failed=False, late_us=3)
    assert one == tally_of([(100, 0, False, 7)])


# ------------------------------------------------------------------ columns


@settings(deadline=None)
@given(TALLY)
def test_a_tally_survives_its_columns(made: Tally) -> None:
    """`from_wire` is the inverse of `to_wire`."""
    assert Tally.from_wire(made.to_wire()) == made


def _columns(**changes: Any) -> list[object]:
    names = [
        "requests",
        "failures",
        "cancelled",
        "untimed",
        "total_us",
        "min_us",
        "max_us",
        "bytes",
        "deltas",
        "counts",
    ]
    wire = dict(zip(names, tally([1_000, 2_000]).to_wire(), strict=True))
    return list((wire | changes).values())


@pytest.mark.parametrize(
    "wire",
    [
        None,
        {},
        [],
        _columns()[:9],
        _columns(requests=-1),
        _columns(requests=1.0),
        _columns(requests=True),
        _columns(total_us=1 << 63),
        _columns(requests=3),
        _columns(failures=3),
        _columns(requests=0, untimed=2),
        _columns(deltas=b"\x05\x00"),
        _columns(deltas=[5, BUCKET_COUNT]),
        _columns(deltas=[-5, 10]),
        _columns(deltas=b"\x05"),
        _columns(counts=b"\x02\x00"),
        _columns(counts="ab"),
        _columns(counts=[1, 1.0]),
        _columns(deltas=[1 << 62, 1 << 62]),
    ],
)
def test_a_tally_that_does_not_add_up_is_refused(wire: object) -> None:
    """Negative, fractional, too large, out of range, twice, or of unequal length: ValueError."""
    with pytest.raises(ValueError, match=r"\w"):
        Tally.from_wire(wire)


@pytest.mark.parametrize(
    "response",
    [
        [1, 2, 3, b"\x01"],
        [-1, 0, 0, b"", b""],
        [5, 9, 3, b"\x05", b"\x01"],
        [5, 0, 0, b"", b""],
        [9, 4, 5, b"\x05\x01", b"\x01\x01"],
        [9, 4, 5, b"\x05", b"\x00"],
    ],
    ids=["short", "negative", "least above longest", "of nothing", "more than samples", "empty bucket"],
)
def test_response_times_that_cannot_be_are_refused(response: list[object]) -> None:
    """A sum would carry them for ever."""
    with pytest.raises(ValueError, match=r"spread|response|bucket|samples"):
        Tally.from_wire([1, 0, 0, 0, 7, 7, 7, 0, b"\x07", b"\x01", response])
