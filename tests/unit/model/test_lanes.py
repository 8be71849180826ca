"""Endpoints over time: bounded, whole, and the same in whatever order they were folded."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model import lanes as lanes_module
from tidal.model.lanes import LANE_POINTS, SLOWEST_KEPT, Lane, LanePoint, Lanes, place_of
from tidal.model.series import BAND_BITS, Point
from tidal.model.stats import Tally, bucket_middle_us
from tidal.model.wire import from_wire, to_wire

KEYS = st.tuples(st.sampled_from(["GET", "POST"]), st.sampled_from([f"/{i}" for i in range(400)]))
SAMPLES = st.lists(
    st.tuples(KEYS, st.integers(0, 2_000), st.integers(1, 60_000_000), st.booleans(), st.sampled_from("ab")),
    max_size=40,
)
MANY = st.lists(st.integers(0, 600), min_size=200, max_size=700)


def tally_of(latency_us: int, *, failed: bool = False) -> Tally:
    """One sample."""
    made = Tally()
    made.add(latency_us, 1, failed=failed)
    return made


def lanes_of(samples: list[tuple[tuple[str, str], int, int, bool, str]]) -> Lanes:
    """Lanes of samples: endpoint, second, latency, whether it failed, incarnation."""
    made = Lanes()
    for key, second, latency_us, failed, who in samples:
        made.add(key, second, tally_of(latency_us, failed=failed))
        made.note_slow(key, [(latency_us, second, who)])
    return made


@settings(deadline=None)
@given(st.data(), SAMPLES)
def test_any_order_ends_in_the_same_lanes(
    data: st.DataObject, samples: list[tuple[tuple[str, str], int, int, bool, str]]
) -> None:
    """Points, steps and the slowest samples follow from what was added, not from when."""
    assert lanes_of(data.draw(st.permutations(samples))) == lanes_of(samples)


@settings(deadline=None, max_examples=20)
@given(st.data(), MANY)
def test_which_endpoints_have_a_lane_does_not_depend_on_the_order(data: st.DataObject, numbers: list[int]) -> None:
    """Beyond the cap, too: the same ones, each with all that it ever had."""
    samples = [(("GET", f"/{n}"), n, 1_000 + n, False, "a") for n in numbers]
    made = lanes_of(samples)
    assert lanes_of(data.draw(st.permutations(samples))) == made
    assert len(made.by_key) == min(lanes_module.LANES_MAX, len(set(numbers)))
    assert made.left_out == (len(set(numbers)) > lanes_module.LANES_MAX)
    for (_, name), lane in made.by_key.items():
        assert sum(p.requests for p in lane.points.values()) == numbers.count(int(name[1:]))
    kept = {place_of(key) for key in made.by_key}
    left = {place_of(("GET", f"/{n}")) for n in numbers} - kept
    assert not left or max(kept) < min(left)


@settings(deadline=None)
@given(st.lists(st.tuples(st.one_of(st.integers(0, 900), st.integers(0, 1 << 39)), st.integers(1, 10**9)), max_size=60))
def test_a_lane_is_bounded_and_loses_no_sample(samples: list[tuple[int, int]]) -> None:
    """However far apart its seconds lie."""
    lane = Lane()
    for second, latency_us in samples:
        lane.add(second, tally_of(latency_us))
        lane.note_slow([(latency_us, second, "a")])
    assert len(lane.points) <= LANE_POINTS
    assert sum(p.requests for p in lane.points.values()) == len(samples)
    assert sum(sum(p.histogram.values()) for p in lane.points.values()) == len(samples)
    slowest = sorted((us, second, "a") for second, us in samples)[-SLOWEST_KEPT:]
    assert lane.slowest == slowest


@settings(deadline=None)
@given(SAMPLES, SAMPLES)
def test_lanes_go_on_after_a_keyframe(
    before: list[tuple[tuple[str, str], int, int, bool, str]], after: list[tuple[tuple[str, str], int, int, bool, str]]
) -> None:
    """Written, read and added to, they are those that were added to straight."""
    made: Lanes = from_wire(Lanes, to_wire(lanes_of(before)))
    for key, second, latency_us, failed, who in after:
        made.add(key, second, tally_of(latency_us, failed=failed))
        made.note_slow(key, [(latency_us, second, who)])
    assert made == lanes_of(before + after)
    assert to_wire(made) == to_wire(lanes_of(before + after))


@pytest.mark.parametrize(
    "wire",
    [
        [],
        [1, 2, 0, 0, b"", b""],
        [1, 0, 0, -1, b"\x01", b"\x01"],
        [1, 0, 0, 0, b"\x01", b"\x00"],
        [1, 0, 0, 0, [400], b"\x01"],
        [1, 0, 0, 0, b"\x01\x00", b"\x01\x01"],
        [True, 0, 0, 0, b"", b""],
    ],
)
def test_a_point_that_cannot_be_is_refused(wire: list[object]) -> None:
    """Stored states are hostile until checked."""
    with pytest.raises(ValueError, match=r"point|histogram"):
        LanePoint.from_wire(wire)


@given(st.lists(st.integers(1, 10**8), min_size=1, max_size=50))
def test_coarse_buckets_are_within_four_percent(latencies_us: list[int]) -> None:
    """What a chart of an endpoint says of a latency."""
    for latency_us in latencies_us:
        (band,) = (index >> BAND_BITS for index in tally_of(latency_us).histogram)
        middle_us = bucket_middle_us((band << BAND_BITS) + (1 << BAND_BITS >> 1))
        assert abs(middle_us - latency_us) <= 0.0513 * latency_us + 1


@given(st.lists(st.integers(1, 10**7), min_size=1, max_size=30), st.lists(st.integers(1, 10**7), max_size=30))
def test_what_a_point_remembers_follows_its_samples(first: list[int], more: list[int]) -> None:
    """Percentiles and bands that were asked for before more samples came are not those of after."""
    point, straight = Point(), Point()
    for latency_us in first:
        point.merge(Point(1, histogram=tally_of(latency_us).histogram))
    before = point.percentiles_us(), point.bands()
    assert before == (point.percentiles_us(), point.bands())
    for latency_us in more:
        point.merge(Point(1, histogram=tally_of(latency_us).histogram))
    for latency_us in first + more:
        straight.merge(Point(1, histogram=tally_of(latency_us).histogram))
    assert (point.percentiles_us(), point.bands()) == (straight.percentiles_us(), straight.bands())
    assert to_wire(point) == to_wire(straight)
