"""Time series of bounded size that fold in any order.

Points cover a step of whole seconds of Redis time, aligned to multiples of the step. When the span outgrows
`POINTS_MAX` the step doubles and neighbours are added together. The step follows from the first and last second alone
and adding is commutative, so any order of the same additions ends in the same series. Memory is flat in the length of
the run; what it costs is detail: 1 s up to ten minutes, then 2 s up to twenty, and so on.
"""

from __future__ import annotations

from operator import floordiv
from typing import Protocol

from tidal.model.stats import (
    BUCKET_COUNT,
    SUM_MAX,
    Histogram,
    are_counts,
    bucket_column,
    merge_histogram,
    percentiles_us,
)
from tidal.model.struct import Remembering, Struct, field
from tidal.model.unread import Unread
from tidal.model.wire import are_ints, from_wire

POINTS_MAX = 600
SECONDS_KEPT = 900
"""Seconds that are known one by one: far more than a report is late as a rule."""
POINT_COLUMNS = 7
BAND_BITS = 3
"""A coarse bucket holds 2**3 fine ones: 8.3 % wide."""
INF_US = 1 << 62
SUM_POINTS = 300
STRAIN_POINTS = 120
"""Of one worker: a second each up to two minutes, half a minute each after an hour."""


class Point(Unread, Remembering):
    """What is added up for one step."""

    requests: int = 0
    failures: int = 0
    user_ms: int = 0
    histogram: Histogram = field(default_factory=dict)
    wait_us: int = 0  # how late generators' timers were (of reports), how long Redis took to answer (of the log)
    waits: int = 0  # how many of these were added up
    _percentiles: tuple[int, tuple[int, int, int]] | None = None
    _bands: tuple[int, Histogram] | None = None

    def percentiles_us(self) -> tuple[int, int, int]:
        """p50, p95 and p99 of the samples, found once for each number of requests: pictures ask for all again."""
        if self._percentiles is None or self._percentiles[0] != self.requests:
            p50, p95, p99 = percentiles_us(self.histogram, (0.5, 0.95, 0.99), 0, INF_US)
            self._percentiles = (self.requests, (p50, p95, p99))
        return self._percentiles[1]

    def bands(self) -> Histogram:
        """The samples in buckets of 2**BAND_BITS fine ones, found once as well."""
        if self._bands is None or self._bands[0] != self.requests:
            bands: Histogram = {}
            for index, count in self.histogram.items():
                bands[index >> BAND_BITS] = bands.get(index >> BAND_BITS, 0) + count
            self._bands = (self.requests, bands)
        return self._bands[1]

    def lent(self, same: Point) -> None:
        """Take over what was found of the same samples."""
        self._percentiles, self._bands = same._percentiles, same._bands

    def to_wire(self) -> list[object]:
        """Numbers, then the histogram as columns (`stats.bucket_column`): a keyframe has some hundred points."""
        numbers = (self.requests, self.failures, self.user_ms, self.wait_us, self.waits)
        return [*(min(number, SUM_MAX) for number in numbers), *bucket_column(self.histogram)]

    @classmethod
    def from_wire(cls, wire: object) -> Point:
        """The point of `to_wire`; ValueError when it cannot have been added up from samples."""
        if not isinstance(wire, list) or len(wire) != POINT_COLUMNS or not are_counts(wire[:5]):
            raise ValueError("a point of five counts and two columns whose parts do not belong together")
        requests, failures, user_ms, wait_us, waits = wire[:5]
        point = cls(requests, failures, user_ms, {}, wait_us, waits)
        point.put_off(wire[5], wire[6], BUCKET_COUNT)
        return point

    def merge(self, other: Point) -> None:
        """Add another point to this one."""
        self.requests += other.requests
        self.failures += other.failures
        self.user_ms += other.user_ms
        self.wait_us += other.wait_us
        self.waits += other.waits
        merge_histogram(self.histogram, other.histogram)


class Stepped(Protocol):
    """Keeps something by step of whole seconds; the step doubles when the first and the last lie too far apart."""

    step_s: int
    first_s: int | None
    last_s: int | None

    def coarsen(self) -> None:
        """Double the step, and add up what lies in one then."""
        ...


def reached(kept: Stepped, second: int, points_max: int, span: int = 1) -> int:
    """The index of the step in which a second lies, once it is taken in and all of it is no more than so many steps.

    Where nothing finer is known than `span` seconds, which lie within a power of two of them, all of these are in one.
    """
    end_s = second + span - 1
    first_s = kept.first_s = second if kept.first_s is None else min(kept.first_s, second)
    last_s = kept.last_s = end_s if kept.last_s is None else max(kept.last_s, end_s)
    while last_s // kept.step_s - first_s // kept.step_s >= points_max or end_s // kept.step_s > second // kept.step_s:
        kept.coarsen()
    return second // kept.step_s


def is_spanned(kept: Stepped, points_max: int) -> bool:
    """Whether its step and its ends are as `reached` leaves them: who looks at a stored one goes from end to end."""
    first_s, last_s = kept.first_s, kept.last_s
    if kept.step_s < 1 or first_s is None or last_s is None:
        return kept.step_s >= 1 and first_s is last_s
    return first_s <= last_s and last_s // kept.step_s - first_s // kept.step_s < points_max


class Series(Struct):
    """Points by index (second // step)."""

    step_s: int = 1
    points: dict[int, Point] = field(default_factory=dict)
    first_s: int | None = None
    last_s: int | None = None

    def at(self, second: int, span: int = 1) -> Point:
        """The point that covers a second, or so many of them, made when it is not there."""
        index = reached(self, second, POINTS_MAX, span)  # it may put other points in their place
        return self.points.setdefault(index, Point())

    def lend(self, other: Series) -> None:
        """Let another fold of the same run have what was found: of as many requests the percentiles are the same."""
        for index, point in other.points.items() if other.step_s == self.step_s else ():
            mine = self.points.get(index)
            if mine is not None and mine.requests == point.requests:
                point.lent(mine)

    def coarsen(self) -> None:
        """Double the step; two neighbours become one."""
        self.step_s *= 2
        points: dict[int, Point] = {}
        for index, point in sorted(self.points.items()):
            if index // 2 in points:
                points[index // 2].merge(point)
            else:
                points[index // 2] = point
        self.points = points


class Sums(Struct):
    """Whole numbers added up over time; folds in any order as `Series` does."""

    step_s: int = 1
    first_s: int | None = None
    last_s: int | None = None
    points: dict[int, int] = field(default_factory=dict)
    """second // step → the sum"""

    def add(self, second: int, amount: int) -> None:
        """Add an amount to a second."""
        index = reached(self, second, SUM_POINTS)
        self.points[index] = self.points.get(index, 0) + amount

    def by_step(self, step_s: int) -> dict[int, int]:
        """The sums of wider steps, a multiple of its own, by their indexes."""
        width, sums = step_s // self.step_s, dict[int, int]()
        for index, amount in self.points.items():
            sums[index // width] = sums.get(index // width, 0) + amount
        return sums

    def coarsen(self) -> None:
        """Double the step; two neighbours become one."""
        self.points = self.by_step(2 * self.step_s)
        self.step_s *= 2


class Seconds(Struct):
    """User-milliseconds of the newest seconds, one by one; what lies further back is in the totals alone.

    What is kept follows from the latest second, whatever the order of adding.
    """

    latest_s: int = 0
    ms: dict[int, int] = field(default_factory=dict)

    def add(self, second: int, user_ms: int) -> None:
        """Add user time of a second."""
        if second > self.latest_s:
            self._move_on(second)
        if second > self.latest_s - SECONDS_KEPT:
            self.ms[second] = self.ms.get(second, 0) + user_ms

    def _move_on(self, second: int) -> None:
        first_s, self.latest_s = self.latest_s - SECONDS_KEPT + 1, second
        if second - SECONDS_KEPT - first_s > SECONDS_KEPT:
            self.ms.clear()
        for old in range(first_s, min(second - SECONDS_KEPT, first_s + SECONDS_KEPT) + 1):
            self.ms.pop(old, None)


class Strain(Remembering):
    """How hard the generators of one worker were pressed, over time; folds in any order as `Series` does."""

    step_s: int = 1
    first_s: int | None = None
    last_s: int | None = None
    points: dict[int, tuple[int, int, int, int]] = field(default_factory=dict)
    """second // step → reports, lag in ms added up, CPU of a generator in ‰ of a core added up, the worst lag in ms"""
    _peaks: tuple[int, int] | None = None  # while nothing is added

    def peaks_ms(self) -> tuple[int, int]:
        """A bound of the mean lags, and the worst lag: of a worker that never lagged no more need be looked at."""
        if self._peaks is None:
            points = self.points.values()
            means = max((-(-lag_ms // max(count, 1)) for count, lag_ms, _, _ in points), default=0)
            self._peaks = means, max((worst_ms for *_, worst_ms in points), default=0)
        return self._peaks

    def add(self, second: int, lag_ms: int, cpu_permille: int, worst_ms: int) -> None:
        """Add what one report said of the generators."""
        means_ms, longest_ms = self.peaks_ms()
        self._peaks = max(means_ms, lag_ms), max(longest_ms, worst_ms)
        self._put(reached(self, second, STRAIN_POINTS), (1, lag_ms, cpu_permille, worst_ms))

    def to_wire(self) -> list[object]:
        """The step, the first and the last second, then the points as columns: a hundred workers have ten thousand."""
        rows = [(index, *self.points[index]) for index in sorted(self.points)]
        return [self.step_s, self.first_s, self.last_s, *map(list, zip(*rows, strict=True))]

    @classmethod
    def from_wire(cls, wire: object) -> Strain:
        """The strain of `to_wire`, checked."""
        if not isinstance(wire, list) or len(wire) not in (3, 8) or not all(map(are_ints, wire[3:])):
            raise ValueError("a strain has a step, two seconds, and columns of whole numbers")
        step_s, first_s, last_s = (from_wire(int | None, value) for value in wire[:3])
        if step_s is None or len({len(column) for column in wire[3:]}) > 1:
            raise ValueError("a strain has a step, and columns of one length")
        indexes, *columns = wire[3:] or ([], [])
        strain = cls(step_s, first_s, last_s, dict(zip(indexes, zip(*columns, strict=True), strict=True)))
        if indexes and min(columns[0]) > 0:  # as `peaks_ms` finds them, without a look at each of ten thousand
            counts, lags_ms, _, worst_ms = columns
            strain._peaks = 1 + max(map(floordiv, lags_ms, counts)), max(0, *worst_ms)
        return strain

    def _put(self, index: int, more: tuple[int, int, int, int]) -> None:
        count, lag_ms, cpu, worst_ms = self.points.get(index, (0, 0, 0, 0))
        self.points[index] = (count + more[0], lag_ms + more[1], cpu + more[2], max(worst_ms, more[3]))

    def coarsen(self) -> None:
        """Double the step; two neighbours become one."""
        self.step_s *= 2
        points, self.points = self.points, {}
        for index, point in points.items():
            self._put(index // 2, point)
