from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model.series import POINTS_MAX, Point, Series
from tidal.model.wire import from_wire, to_wire

SECONDS = st.one_of(st.integers(0, 2_000), st.integers(0, 1 << 39))
ADDITIONS = st.lists(st.tuples(SECONDS, st.integers(1, 9)), max_size=40)


def _series(additions: list[tuple[int, int]]) -> Series:
    made = Series()
    for second, requests in additions:
        made.at(second).merge(Point(requests, 1, requests * 10, {requests: 1}))
    return made


@settings(deadline=None)
@given(st.data(), ADDITIONS)
def test_any_order_ends_in_the_same_series(data: st.DataObject, additions: list[tuple[int, int]]) -> None:
    """Step, points and extent follow from what was added, not from when."""
    assert _series(data.draw(st.permutations(additions))) == _series(additions)


@settings(deadline=None)
@given(ADDITIONS)
def test_nothing_is_lost_and_memory_is_bounded(additions: list[tuple[int, int]]) -> None:
    """Never more than POINTS_MAX points, and their sum is the sum of what was added."""
    made = _series(additions)
    assert len(made.points) <= POINTS_MAX
    assert sum(p.requests for p in made.points.values()) == sum(n for _, n in additions)
    assert sum(sum(p.histogram.values()) for p in made.points.values()) == len(additions)


@settings(deadline=None)
@given(ADDITIONS, ADDITIONS)
def test_a_series_goes_on_after_a_keyframe(before: list[tuple[int, int]], after: list[tuple[int, int]]) -> None:
    """Written, read and added to, it is the one that was added to straight."""
    made: Series = from_wire(Series, to_wire(_series(before)))
    for second, requests in after:
        made.at(second).merge(Point(requests, 1, requests * 10, {requests: 1}))
    assert made == _series(before + after)


def test_the_step_doubles_when_ten_minutes_are_over() -> None:
    """600 points of 1 s; one second more and there are 301 of 2 s."""
    made = _series([(s, 1) for s in range(1_000, 1_600)])
    assert (made.step_s, len(made.points)) == (1, 600)
    made.at(1_600)
    assert (made.step_s, len(made.points), made.points[500].requests) == (2, 301, 2)
