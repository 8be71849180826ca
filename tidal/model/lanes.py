"""What single endpoints did over time: series of bounded size, of a bounded number of endpoints, folded in any order.

    block 12:00:03 of w1 ─┐   lane of GET /cart   0:00 … 0:08 │ 0:08 … 0:16 │ …   at most 120 points
    block 12:00:03 of w2 ─┴▶  each point: requests, failures, the sum and the longest latency, a coarse histogram

The histogram's buckets are eight of the fine ones together, 8.3 % wide: a percentile of a point is within 5 % of the
truth, which is less than a dot of a chart. Tables and spectra go by the fine ones.

When there are more endpoints than lanes, those are kept whose names have the smallest hashes. Who belongs to them in
the end has belonged to them ever since it was first seen, so no order of folding can tell, and a lane is always whole.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from tidal.model.series import BAND_BITS, is_spanned, reached
from tidal.model.stats import (
    BUCKET_COUNT,
    SUM_MAX,
    Histogram,
    are_counts,
    bucket_column,
)
from tidal.model.struct import Remembering, Struct, field
from tidal.model.unread import Unread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidal.model.stats import Tally

LANES_MAX = 256
LANE_POINTS = 120
"""Of one endpoint: a second each up to two minutes, half a minute each after an hour."""
SLOWEST_KEPT = 10
Slow = tuple[int, int, str]
"""Latency in µs, second of Redis time, incarnation: the slowest sample of one report's second."""


class LanePoint(Unread, Remembering):
    """What is added up for one step of one endpoint."""

    requests: int = 0
    failures: int = 0
    total_us: int = 0
    max_us: int = 0
    histogram: Histogram = field(default_factory=dict)  # coarse bucket → count
    _wire: list[object] | None = None  # until the next sample

    def add(self, tally: Tally) -> None:
        """Add an endpoint's samples of a second."""
        self.requests += tally.requests
        self.failures += tally.failures
        self.total_us += tally.total_us
        self.max_us = max(self.max_us, tally.max_us)
        known = self.histogram
        for index, count in tally.histogram.items():
            band = index >> BAND_BITS
            known[band] = known.get(band, 0) + count
        self._wire = None

    def merge(self, other: LanePoint) -> None:
        """Add another point."""
        self.requests += other.requests
        self.failures += other.failures
        self.total_us += other.total_us
        self.max_us = max(self.max_us, other.max_us)
        for band, count in other.histogram.items():
            self.histogram[band] = self.histogram.get(band, 0) + count
        self._wire = None

    def to_wire(self) -> list[object]:
        """Columns as a tally's; kept until the next sample, for a state has ten thousands of points."""
        if self._wire is None:
            numbers = [min(n, SUM_MAX) for n in (self.requests, self.failures, self.total_us, self.max_us)]
            self._wire = [*numbers, *bucket_column(self.histogram)]
        return self._wire

    @classmethod
    def from_wire(cls, wire: object) -> LanePoint:
        """The point of `to_wire`, checked."""
        if not isinstance(wire, list) or len(wire) != 6:
            raise ValueError("a point of an endpoint has six columns")
        if not are_counts(wire[:4]) or wire[1] > wire[0]:
            raise ValueError("a point's counts are whole and not negative")
        point = cls(*wire[:4])
        point.put_off(wire[4], wire[5], BUCKET_COUNT >> BAND_BITS)
        return point


class Lane(Struct):
    """One endpoint's points by index (second // step), and its slowest samples, the slowest last."""

    step_s: int = 1
    first_s: int | None = None
    last_s: int | None = None
    points: dict[int, LanePoint] = field(default_factory=dict)
    slowest: list[Slow] = field(default_factory=list)

    def add(self, second: int, tally: Tally, span: int = 1) -> None:
        """Add the endpoint's samples of so many seconds."""
        index = reached(self, second, LANE_POINTS, span)  # it may put other points in their place
        self.points.setdefault(index, LanePoint()).add(tally)

    def note_slow(self, samples: Iterable[Slow]) -> None:
        """Keep the slowest of what is known and of these."""
        self.slowest = sorted([*self.slowest, *samples])[-SLOWEST_KEPT:]

    def coarsen(self) -> None:
        """Double the step; two neighbours become one."""
        self.step_s *= 2
        points, self.points = self.points, {}
        for index, point in points.items():
            if index // 2 in self.points:
                self.points[index // 2].merge(point)
            else:
                self.points[index // 2] = point

    @property
    def is_sound(self) -> bool:
        """Whether the fold can go on from it."""
        is_small = len(self.points) <= 2 * LANE_POINTS and len(self.slowest) <= SLOWEST_KEPT
        return is_small and is_spanned(self, LANE_POINTS)


class Lanes(Struct):
    """The lanes by endpoint, and the place that a new one must be below once there are enough."""

    by_key: dict[tuple[str, str], Lane] = field(default_factory=dict)
    bar: str = ""
    left_out: bool = False  # whether there are endpoints without a lane

    def add(self, key: tuple[str, str], second: int, tally: Tally, span: int = 1) -> None:
        """Add samples of an endpoint, unless it has no lane."""
        lane = self.by_key.get(key) or self._opened(key)
        if lane is not None:
            lane.add(second, tally, span)

    def note_slow(self, key: tuple[str, str], samples: Iterable[Slow]) -> None:
        """Keep the slowest of what is known and of these, unless the endpoint has no lane."""
        lane = self.by_key.get(key)
        if lane is not None:
            lane.note_slow(samples)

    def least_us(self) -> dict[tuple[str, str], int]:
        """By endpoint, what a sample takes at the least to be among its slowest; of those that have enough of them."""
        return {key: lane.slowest[0][0] for key, lane in self.by_key.items() if len(lane.slowest) >= SLOWEST_KEPT}

    def _opened(self, key: tuple[str, str]) -> Lane | None:
        if len(self.by_key) >= LANES_MAX:
            self.left_out = True
            if place_of(key) > (self.bar or self._worst()):
                return None
            del self.by_key[max(self.by_key, key=place_of)]
        lane = self.by_key[key] = Lane()
        self.bar = self._worst() if len(self.by_key) >= LANES_MAX else ""
        return lane

    def _worst(self) -> str:
        return max(map(place_of, self.by_key))


@lru_cache(4_096)
def place_of(key: tuple[str, str]) -> str:
    """Where an endpoint stands in the order in which lanes are given: by chance, and the same everywhere."""
    return sha256("\0".join(key).encode("utf-8", "surrogatepass")).hexdigest()


def lane_rows(lane: Lane) -> list[tuple[int, Any]]:
    """The lane's points in order, empty steps as None."""
    if lane.first_s is None or lane.last_s is None:
        return []
    indexes = range(lane.first_s // lane.step_s, lane.last_s // lane.step_s + 1)
    return [(index, lane.points.get(index)) for index in indexes]
