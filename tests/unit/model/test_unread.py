"""Histograms of a keyframe: refused at once when they are none, put together when they are asked for."""

from __future__ import annotations

import pickle
from copy import copy, deepcopy
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal.model.lanes import LanePoint
from tidal.model.series import Point
from tidal.model.stats import BUCKET_COUNT
from tidal.model.struct import replace

if TYPE_CHECKING:
    from collections.abc import Callable

HISTOGRAMS = st.dictionaries(st.integers(0, (BUCKET_COUNT >> 3) - 1), st.integers(1, 1 << 40), max_size=30)


@given(HISTOGRAMS)
def test_a_point_that_was_read_is_the_point_that_was_written(histogram: dict[int, int]) -> None:
    """Of a chart and of an endpoint."""
    point = Point(3, 1, 5, histogram, 7, 2)
    assert Point.from_wire(point.to_wire()) == point
    lane = LanePoint(3, 1, 5, 4, histogram)
    assert LanePoint.from_wire(lane.to_wire()) == lane


@given(HISTOGRAMS, HISTOGRAMS)
def test_samples_are_added_to_one_that_nobody_has_looked_at(first: dict[int, int], second: dict[int, int]) -> None:
    """As to any other."""
    whole, unread = Point(histogram=dict(first)), Point.from_wire(Point(histogram=first).to_wire())
    for point in (whole, unread):
        point.merge(Point.from_wire(Point(histogram=second).to_wire()))
    assert unread == whole
    assert unread.to_wire() == whole.to_wire()


@pytest.mark.parametrize("handled", [repr, copy, deepcopy, lambda point: pickle.loads(pickle.dumps(point))])  # noqa: S301
@pytest.mark.parametrize(
    "made", [Point(3, 1, 5, {7: 2, 9: 1}), LanePoint(3, 1, 5, 4, {7: 2, 9: 1})], ids=["chart", "endpoint"]
)
def test_one_that_nobody_has_looked_at_is_printed_and_copied(
    made: Point | LanePoint, handled: Callable[[object], object]
) -> None:
    """As any other: a failed test, or a line for whoever looks for a fault, prints what it finds."""
    assert handled(type(made).from_wire(made.to_wire())) == handled(replace(made))


@pytest.mark.parametrize(
    ("deltas", "counts"),
    [
        (b"\x01\x02", b"\x01"),
        (b"\x01\x00", b"\x01\x01"),
        (b"\x01", b"\x00"),
        ([BUCKET_COUNT], b"\x01"),
        ([-1], b"\x01"),
        (["1"], b"\x01"),
        ("\x01", b"\x01"),
    ],
    ids=["lengths", "twice", "empty", "index", "negative", "text", "kind"],
)
def test_columns_that_are_no_histogram_are_refused_before_anybody_looks(deltas: object, counts: object) -> None:
    """A keyframe is hostile until it is checked."""
    with pytest.raises(ValueError, match="histogram"):
        Point.from_wire([1, 0, 0, 0, 0, deltas, counts])
    with pytest.raises(ValueError, match="histogram"):
        LanePoint.from_wire([1, 0, 0, 0, deltas, counts])


def test_only_the_histogram_is_made_up_for() -> None:
    """Whatever else is missing is an error, as ever."""
    with pytest.raises(AttributeError):
        _ = Point.from_wire(Point().to_wire()).median  # type: ignore[attr-defined]
