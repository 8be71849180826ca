"""Histograms as windows of counts: what is written is read, many are added as one by one, nonsense is refused."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal.model.codec import pack, unpack
from tidal.model.observations import Beat
from tidal.model.sent import LANE_TALLIES, poured, summed_spreads
from tidal.model.stats import BUCKET_COUNT, Histogram, Spread, bucket_column, histogram_of, merge_histogram

COUNTS = st.integers(1, 255)
CLOSE = st.builds(
    lambda first, steps: dict(
        zip(accumulate([first, *(gap for gap, _ in steps)]), [9, *(n for _, n in steps)], strict=True)
    ),
    st.integers(0, 600),
    st.lists(st.tuples(st.integers(1, 5), COUNTS), min_size=7, max_size=60),
)
FAR = st.dictionaries(st.integers(0, BUCKET_COUNT - 1), st.integers(1, 1 << 40), max_size=20)
TIMES = st.lists(st.integers(0, 100_000), max_size=60)


def sent(histogram: Histogram) -> tuple[object, object]:
    """Its columns after a way over the wire."""
    place, counts = unpack(pack([*bucket_column(histogram)]))
    return place, counts


@given(st.one_of(CLOSE, FAR))
def test_what_is_written_is_read(histogram: Histogram) -> None:
    """In either form, and always in the same one."""
    assert histogram_of(*sent(histogram), BUCKET_COUNT) == histogram
    assert bucket_column(dict(reversed(histogram.items()))) == bucket_column(histogram)


@given(st.lists(st.one_of(CLOSE, CLOSE, FAR), min_size=1, max_size=9))
def test_many_are_added_as_one_by_one(histograms: list[Histogram]) -> None:
    """Windows and deltas among each other."""
    whole: Histogram = {}
    for histogram in histograms:
        merge_histogram(whole, histogram)
    assert poured([bucket_column(histogram) for histogram in histograms if histogram]) == whole  # type: ignore[misc]


def test_lanes_do_not_run_over() -> None:
    """The largest counts of as many as are added at once, and of one more."""
    full = dict.fromkeys(range(100, 120), 255)
    columns = bucket_column(full)
    assert columns == (100, b"\xff" * 20)
    for count in (LANE_TALLIES, LANE_TALLIES + 1):
        assert poured([columns] * count) == dict.fromkeys(full, 255 * count)  # type: ignore[list-item]


@given(st.lists(TIMES, max_size=5), st.booleans())
def test_spreads_are_added_as_one_by_one(drawn: list[list[int]], looked: bool) -> None:  # noqa: FBT001 - drawn
    """Whether somebody looked at one before or not."""
    spreads, whole = [], Spread()
    for times in drawn:
        spread = Spread()
        for time_us in times:
            spread.add(time_us)
        whole.merge(spread)
        spreads.append(Spread.from_wire(unpack(pack(spread.to_wire()))))
        assert not looked or spreads[-1].histogram == spread.histogram
    assert summed_spreads(spreads) == whole
    assert [spread.copy() for spread in spreads] == spreads


@pytest.mark.parametrize(
    ("place", "counts"),
    [(0, b""), (-1, b"\x01"), (BUCKET_COUNT, b"\x01"), (BUCKET_COUNT - 1, b"\x01\x01"), (5, b"\x00\x01"),
     (5, b"\x01\x00"), (5, [1]), (5, None), (True, b"\x01"), (1 << 70, b"\x01")],
)  # fmt: skip
def test_a_window_of_nonsense_is_refused(place: object, counts: object) -> None:
    """It begins and ends with a sample, within the buckets that there are."""
    with pytest.raises(ValueError, match="a histogram"):
        histogram_of(place, counts, BUCKET_COUNT)


@pytest.mark.parametrize(
    "wire",
    [[], ["w1", 1], ["w1", *[1] * 7, True], [1, *[1] * 8], ["w1", *[1] * 7, 1 << 63], ["w1", *[1] * 9], {}, None],
)
def test_a_beat_of_nonsense_is_refused(wire: object) -> None:
    """And one that was written as a map, as all were before, is read."""
    beat = Beat("w1", 5, 6, skew_ms=-3, plan=2)
    assert (
        Beat.from_wire(beat.to_wire())
        == beat
        == Beat.from_wire({"name": "w1", "age_ms": 5, "cpu_permille": 6, "skew_ms": -3, "plan": 2})
    )
    with pytest.raises(ValueError):  # noqa: PT011 - of many kinds
        Beat.from_wire(wire)
