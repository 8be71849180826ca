"""Figures of a user's own, counted so that merging the parts gives exactly the whole.

A value is kept in whole billionths: it is rounded once, where it is recorded, and everything after that is addition
of integers, the least and the greatest of integers, and the later of two moments. Such sums know no order, while sums
of floats do (0.1 + 0.2 + 0.3). What is kept is the same for every kind:

    counter  total                                  how much there was: orders, bytes
    gauge    last (by Redis time), low, high        what there is now: a queue's length, a version
    rate     total of count                         how often something was so: cache hits of lookups
    trend    total, low, high, histogram            how it is spread: cart sizes, times of a server's own
    check    total of count                         a rate of things that should be so

A trend's histogram has the buckets of latencies (`stats`), 1 % wide: a percentile is within 0.5 % of the truth whatever
the unit. Bucket i holds the values of that logarithm; zero has a bucket of its own, and values below zero have the
mirrored ones.
"""

from __future__ import annotations

from itertools import accumulate
from math import ceil, exp, isfinite, log
from typing import Any

from tidal.model.stats import (
    BUCKETS_PER_E,
    SUM_MAX,
    Histogram,
    bucket_column,
    histogram_of,
    merge_histogram,
)
from tidal.model.struct import Struct, field, replace

COUNTER, GAUGE, RATE, TREND, CHECK = "counter", "gauge", "rate", "trend", "check"
KINDS = frozenset({COUNTER, GAUGE, RATE, TREND, CHECK})
PARTS = 1_000_000_000
"""In one: a value is a whole number of these."""
VALUE_MAX = 10**15
"""The largest value, either way; a larger one is refused where it is recorded."""
TOO_LARGE = f"a value beyond {VALUE_MAX:,} cannot be counted"
TOTAL_MAX = (1 << 62) * PARTS
"""A sum stops here: as far as the wire reaches, and out of reach of anything that a run can count."""
BUCKET_MAX = 5_600
"""Above the bucket of VALUE_MAX, which is 5,555."""


def parts_of(value: Any) -> int:
    """A value in whole billionths, rounded half to even.

    Raises:
        TypeError: it is no number.
        ValueError: it is not finite, or beyond VALUE_MAX.
    """
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(f"{value} is no number that can be counted")
    if isinstance(value, float) and abs(value) > VALUE_MAX:  # times PARTS it may be infinite
        raise ValueError(TOO_LARGE)
    if isinstance(value, int | float):
        parts = round(value * PARTS)
    elif hasattr(value, "__index__"):  # an integer of numpy's
        parts = int(value.__index__()) * PARTS
    elif hasattr(value, "__float__"):  # a Decimal, a Fraction
        return parts_of(float(value))
    else:
        raise TypeError(f"{type(value).__name__} is no number")
    if abs(parts) > VALUE_MAX * PARTS:
        raise ValueError(TOO_LARGE)
    return parts


def value_of(parts: int) -> float:
    """The number that so many billionths are, correctly rounded: the same on every machine."""
    return parts / PARTS


def trend_bucket(parts: int) -> int:
    """The bucket of a value: 0 for zero, negative for what is below."""
    if not parts:
        return 0
    place = min(int(log(abs(parts)) * BUCKETS_PER_E) + 1, BUCKET_MAX)
    return place if parts > 0 else -place


def trend_middle(bucket: int) -> int:
    """The geometric middle of a bucket, in billionths."""
    if not bucket:
        return 0
    middle = max(1, round(exp((abs(bucket) - 0.5) / BUCKETS_PER_E)))
    return middle if bucket > 0 else -middle


class Metric(Struct):
    """What is known of one metric; of every kind the same, for one law of merging.

    Attributes:
        count: how many values were recorded.
        total: their sum in billionths; of a rate or check how many were true.
        low, high: the least and the greatest, in billionths.
        last_us, last: the latest moment (Redis time) and its value in billionths, of a gauge.
        histogram: bucket → count, of a trend.
    """

    count: int = 0
    total: int = 0
    low: int = 0
    high: int = 0
    last_us: int = 0
    last: int = 0
    histogram: Histogram = field(default_factory=dict)

    def add(self, kind: str, parts: int, at_us: int = 0) -> None:
        """Record one value, in billionths; of a rate or check 1 or 0."""
        self.low = min(self.low, parts) if self.count else parts
        self.high = max(self.high, parts) if self.count else parts
        if kind == GAUGE:
            self._follow(at_us, parts)
        elif kind == TREND:
            bucket = trend_bucket(parts)
            self.histogram[bucket] = self.histogram.get(bucket, 0) + 1
        self.count += 1
        self.total = _within(self.total + parts)

    def _follow(self, at_us: int, parts: int) -> None:
        later = max((self.last_us, self.last), (at_us, parts)) if self.count else (at_us, parts)
        self.last_us, self.last = later

    def merge(self, other: Metric) -> None:
        """Add another's values: commutative and associative, in integers. Of two gauges at one moment the greater."""
        if other.count:
            self.low = min(self.low, other.low) if self.count else other.low
            self.high = max(self.high, other.high) if self.count else other.high
            self._follow(other.last_us, other.last)
        self.count += other.count
        self.total = _within(self.total + other.total)
        merge_histogram(self.histogram, other.histogram)

    def copy(self) -> Metric:
        """A metric of its own with the same values."""
        return replace(self, histogram=dict(self.histogram))

    @property
    def share(self) -> float:
        """Of a rate or check: how many of all were true, 0 to 1; 0 where there is none."""
        return self.total / self.count if self.count else 0.0

    @property
    def average(self) -> float:
        """The mean value; 0 where there is none."""
        return self.total / (self.count * PARTS) if self.count else 0.0

    def percentiles(self, *quantiles: float) -> tuple[int, ...]:
        """Nearest-rank percentiles of a trend in billionths, within 0.5 % of the truth, never outside low and high."""
        indexes = sorted(self.histogram)
        reached = list(accumulate(self.histogram[i] for i in indexes))
        if not reached:
            return tuple(0 for _ in quantiles)
        ranks = [max(1, ceil(q * reached[-1] - 1e-9)) for q in quantiles]
        places = [next(i for i, total in zip(indexes, reached, strict=True) if total >= rank) for rank in ranks]
        return tuple(min(max(trend_middle(place), self.low), self.high) for place in places)

    # ------------------------------------------------------------------ the wire

    def to_wire(self) -> list[object]:
        """[count, total, low, high, last_us, last, first bucket, distances, counts]; values as [ones, billionths]."""
        first = min(self.histogram, default=0)
        values = [_pair(value) for value in (self.total, self.low, self.high)]
        head = [min(self.count, SUM_MAX), *values, min(self.last_us, SUM_MAX), _pair(self.last)]
        return [*head, first, *bucket_column({place - first: count for place, count in self.histogram.items()})]

    @classmethod
    def from_wire(cls, wire: object) -> Metric:
        """The metric of `to_wire`, checked; ValueError for what nobody can have counted."""
        if not isinstance(wire, list) or len(wire) != 9:
            raise ValueError("a metric has nine columns")
        count, total, low, high, last_us, last, first, distances, counts = wire
        if not all(type(n) is int and 0 <= n < 1 << 63 for n in (count, last_us)):
            raise ValueError("a metric's count and moment are whole and not negative")
        histogram = _histogram(first, distances, counts)
        made = cls(count, _parts(total), _parts(low), _parts(high), last_us, _parts(last), histogram)
        if made.low > made.high or (made.histogram and sum(made.histogram.values()) != count and count != SUM_MAX):
            raise ValueError("a metric's parts do not belong together")
        return made


def _within(total: int) -> int:
    return max(-TOTAL_MAX, min(total, TOTAL_MAX))


def _pair(parts: int) -> list[int]:
    return list(divmod(parts, PARTS))


def _parts(pair: object) -> int:
    if not isinstance(pair, list) or len(pair) != 2 or not all(type(n) is int for n in pair):
        raise ValueError("a value is two whole numbers: ones and billionths")
    ones, rest = pair
    if not 0 <= rest < PARTS or abs(ones * PARTS + rest) > TOTAL_MAX:
        raise ValueError("a value is out of range")
    return int(ones * PARTS + rest)


def _histogram(first: object, distances: object, counts: object) -> Histogram:
    if type(first) is not int or abs(first) > BUCKET_MAX:
        raise ValueError("a trend's first bucket is out of range")
    shifted = histogram_of(distances, counts, BUCKET_MAX - first + 1)
    return {first + place: count for place, count in shifted.items()}
