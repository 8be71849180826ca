"""Counting samples so that merging the parts gives exactly the whole.

A histogram is a sparse dict from bucket index to count. Bucket i holds the latencies whose logarithm
to the base 1.01 has the integer part i, in microseconds, so the bucket's geometric middle is within
0.5 % of every latency in it, at any percentile, by construction (sqrt(1.01) = 1.00499). Merging is integer
addition: exact, in any order. The idea is DDSketch's (Masson, Rim, Lee, VLDB 2019) with a fixed base,
so that there is nothing to agree on; a sample costs about a quarter of a microsecond.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from math import ceil, exp, log
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BUCKETS_PER_E = 100.49917080713044
"""1 / ln 1.01, a literal because it is part of the schema."""
BUCKET_COUNT = 2_800
"""Bucket 2,799 ends at 1.3e12 µs, fifteen days; longer samples land in it."""

SUM_MAX = (1 << 63) - 1
"""A larger sum is written as this; a single report's are far below (`samples.COUNT_MAX`)."""

_INT_ALONE = {int}

Histogram = dict[int, int]
Column = bytes | list[int]
WINDOW_LEAST, WINDOW_WIDTH = 8, 4
"""A histogram of so many buckets is written as a window of them, when no more than three in four of it are empty."""


def bucket_of(latency_us: float) -> int:
    """The index of the bucket that holds a latency; what is below 1 µs counts as 1 µs."""
    if latency_us <= 1.0:
        return 0
    return min(int(log(latency_us) * BUCKETS_PER_E), BUCKET_COUNT - 1)


@cache
def bucket_middle_us(index: int) -> int:
    """The geometric middle of a bucket, at least 1 µs."""
    return max(1, round(exp((index + 0.5) / BUCKETS_PER_E)))


def merge_histogram(into: Histogram, other: Histogram) -> None:
    """Add `other` to `into`."""
    for index, count in other.items():
        if index in into:  # half as dear as `get` and a default
            into[index] += count
        else:
            into[index] = count


def percentiles_us(
    histogram: Histogram, quantiles: Iterable[float], low_us: int, high_us: int, indexes: list[int] | None = None
) -> tuple[int, ...]:
    """Nearest-rank percentiles, clamped to the exact minimum and maximum; zeros when there is no sample.

    Nearest rank: the smallest latency such that at least a share `q` of the samples is no larger. `indexes` are the
    histogram's in order, where they are at hand.
    """
    indexes = sorted(histogram) if indexes is None else indexes
    reached = list(accumulate(map(histogram.__getitem__, indexes)))
    total = reached[-1] if reached else 0
    if not total:
        return tuple(0 for _ in quantiles)
    result = []
    for quantile in quantiles:
        rank = max(1, ceil(quantile * total - 1e-9))
        middle_us = bucket_middle_us(indexes[bisect_left(reached, rank)])
        result.append(min(max(middle_us, low_us), high_us))
    return tuple(result)


@dataclass(slots=True)
class Spread:
    """How a time is spread: the sum, the least, the longest, and a histogram, in µs. Merging adds, exactly."""

    total_us: int = 0
    min_us: int = 0
    max_us: int = 0
    histogram: Histogram = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        """Whether it counts the same, however it came."""
        if not isinstance(other, Spread):
            return NotImplemented
        sums = (self.total_us, self.min_us, self.max_us) == (other.total_us, other.min_us, other.max_us)
        return sums and self.histogram == other.histogram

    __hash__ = None  # type: ignore[assignment]

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.histogram.values())

    def add(self, time_us: int) -> None:
        """Count one time; one below 0 counts as 0."""
        time_us = max(time_us, 0)
        if not self.histogram or time_us < self.min_us:
            self.min_us = time_us
        self.max_us = max(self.max_us, time_us)
        self.total_us += time_us
        index = bucket_of(time_us)
        self.histogram[index] = self.histogram.get(index, 0) + 1

    def merge(self, other: Spread) -> None:
        """Add another one to this: commutative and associative, in integers."""
        if other.histogram:
            self.min_us = min(self.min_us, other.min_us) if self.histogram else other.min_us
        self.max_us = max(self.max_us, other.max_us)
        self.total_us += other.total_us
        merge_histogram(self.histogram, other.histogram)

    def copy(self) -> Spread:
        """One of its own with the same counts."""
        return Spread(self.total_us, self.min_us, self.max_us, dict(self.histogram))

    def percentiles_us(self, *quantiles: float) -> tuple[int, ...]:
        """As those of a `Tally`."""
        return percentiles_us(self.histogram, quantiles, self.min_us, self.max_us)

    def to_wire(self) -> list[object]:
        """Sum, least, longest, then the histogram in two columns."""
        numbers = [min(number, SUM_MAX) for number in (self.total_us, self.min_us, self.max_us)]
        return [*numbers, *bucket_column(self.histogram)]

    @classmethod
    def from_wire(cls, wire: object) -> Spread:
        """The one of `to_wire`, checked."""
        if not isinstance(wire, list) or len(wire) != 5:
            raise ValueError("a spread has five columns")
        if not all(type(n) is int and 0 <= n < 1 << 63 for n in wire[:3]):
            raise ValueError("a spread's sums are whole and not negative")
        total_us, min_us, max_us, place, counts = wire
        if type(place) is int and is_window(place, counts, BUCKET_COUNT) and min_us <= max_us:
            return SentSpread.of(total_us, min_us, max_us, (place, counts))
        histogram = histogram_of(place, counts, BUCKET_COUNT)
        if min_us > max_us or (not histogram and any(wire[:3])):
            raise ValueError("a spread's least is above its longest")
        return cls(total_us, min_us, max_us, histogram)


class SentSpread(Spread):
    """A spread like any other, whose histogram is a window as it came until somebody looks at it."""

    __slots__ = ("window",)

    window: tuple[int, bytes] | None

    @classmethod
    def of(cls, total_us: int, min_us: int, max_us: int, window: tuple[int, bytes]) -> SentSpread:
        """One that was checked."""
        made = cls.__new__(cls)
        made.total_us, made.min_us, made.max_us, made.window = total_us, min_us, max_us, window
        return made

    def __getattr__(self, name: str) -> Any:
        """The histogram, which was not looked at before; from now on the window says nothing."""
        window = self.window if name == "histogram" else None
        if window is None:
            raise AttributeError(name)
        self.histogram = put_together(*window)
        self.window = None
        return self.histogram

    def __reduce__(self) -> tuple[type[Spread], tuple[int, int, int, Histogram]]:
        """A copy, or what is pickled, is a plain one: a window must not stay beside its histogram."""
        return Spread, (self.total_us, self.min_us, self.max_us, dict(self.histogram))


@dataclass(slots=True)
class Tally:
    """What is known of the samples of one endpoint: counts, sums in µs and bytes, a histogram.

    Failed requests are in `requests` and in the histogram too, as in Locust. A `cancelled` request was
    sent but its answer not awaited, because its user was stopped: it is in no other figure.
    A sample without a latency (`None` in a user's own hook) is counted in `untimed` and not in the histogram.
    The latency is the service time, from the sending of the request. `response` has the same samples from the moment at
    which their iteration was meant to begin, where there is such a moment: of arrivals, of paced users.
    """

    requests: int = 0
    failures: int = 0
    cancelled: int = 0
    untimed: int = 0
    total_us: int = 0
    min_us: int = 0
    max_us: int = 0
    bytes: int = 0
    histogram: Histogram = field(default_factory=dict)
    response: Spread | None = None  # None: no sample had an intended start

    def __eq__(self, other: object) -> bool:
        """Whether it counts the same, however it came."""
        if not isinstance(other, Tally):
            return NotImplemented
        return _told(self) == _told(other)

    __hash__ = None  # type: ignore[assignment]

    def add(self, latency_us: int | None, length: int, failed: bool, late_us: int | None = None) -> None:  # noqa: FBT001 - keywords cost, for each request
        """Count one sample; a negative latency counts as 0. `late_us`: how late its iteration began, where it is known.

        The response time is both together.
        """
        requests = self.requests = self.requests + 1
        self.failures += failed
        self.bytes += length
        if latency_us is None:
            self.untimed += 1
            return
        latency_us = max(latency_us, 0)
        if latency_us < self.min_us or requests - self.untimed == 1:
            self.min_us = latency_us
        if latency_us > self.max_us:  # noqa: PLR1730 - called for each request: `max` costs more than all of this line
            self.max_us = latency_us
        self.total_us += latency_us
        index = 0 if latency_us <= 1 else int(log(latency_us) * BUCKETS_PER_E)  # `bucket_of`, without the call
        index = index if index < BUCKET_COUNT else BUCKET_COUNT - 1
        histogram = self.histogram
        histogram[index] = histogram.get(index, 0) + 1
        if late_us is not None:
            if self.response is None:
                self.response = Spread()
            self.response.add(latency_us + late_us)

    def add_many(self, latencies_us: list[int], length: int) -> None:
        """Count samples that did not fail, with latencies above 0 and below the last bucket, and their bytes.

        The same as one `add` for each, at a third of the cost: what the interpreter would do for each is done by sums.
        """
        if not latencies_us:
            return
        low_us = min(latencies_us)
        if low_us < self.min_us or self.requests == self.untimed:
            self.min_us = low_us
        self.max_us = max(self.max_us, max(latencies_us))  # noqa: PLW3301 - of two kinds
        self.requests += len(latencies_us)
        self.bytes += length
        self.total_us += sum(latencies_us)
        merge_histogram(self.histogram, Counter([int(log(time_us) * BUCKETS_PER_E) for time_us in latencies_us]))

    @property
    def timed(self) -> int:
        """How many samples have a latency."""
        return self.requests - self.untimed

    @property
    def average_us(self) -> int:
        """The mean latency, rounded down; 0 when there is no sample."""
        return self.total_us // self.timed if self.timed else 0

    def merge(self, other: Tally) -> None:
        """Add another tally to this one: commutative and associative, in integers."""
        if other.requests > other.untimed:
            least_us = self.min_us
            self.min_us = other.min_us if other.min_us < least_us or self.requests == self.untimed else least_us
        self.max_us = max(self.max_us, other.max_us)
        self.requests += other.requests
        self.failures += other.failures
        self.cancelled += other.cancelled
        self.untimed += other.untimed
        self.total_us += other.total_us
        self.bytes += other.bytes
        merge_histogram(self.histogram, other.histogram)
        if other.response is not None:
            if self.response is None:
                self.response = Spread()
            self.response.merge(other.response)

    def copy(self) -> Tally:
        """A tally of its own with the same counts."""
        response = None if self.response is None else self.response.copy()
        head = (self.requests, self.failures, self.cancelled, self.untimed, self.total_us)
        return Tally(*head, self.min_us, self.max_us, self.bytes, self.histogram.copy(), response)

    def percentiles_us(self, *quantiles: float) -> tuple[int, ...]:
        """Nearest-rank percentiles in whole µs, within 0.5 % (and rounding) of the truth, never outside min and max."""
        return percentiles_us(self.histogram, quantiles, self.min_us, self.max_us)

    def to_wire(self) -> list[object]:
        """Columns: counts, then the histogram as deltas of its indexes and as counts, then the response's if any."""
        head = [self.requests, self.failures, self.cancelled, self.untimed, self.total_us]
        numbers = [min(number, SUM_MAX) for number in (*head, self.min_us, self.max_us, self.bytes)]
        response = [] if self.response is None else [self.response.to_wire()]
        return [*numbers, *bucket_column(self.histogram), *response]

    @classmethod
    def from_wire(cls, wire: object) -> Tally:
        """The tally of `to_wire`, checked: a count that is negative or does not add up raises ValueError."""
        if not isinstance(wire, list) or len(wire) not in (10, 11):
            raise ValueError("a tally has ten columns, or eleven")
        numbers = wire[:8]
        if not are_counts(numbers):
            raise ValueError("a tally's counts are whole and not negative")
        histogram = histogram_of(wire[8], wire[9], BUCKET_COUNT)
        response = Spread.from_wire(wire[10]) if len(wire) == 11 else None
        columns = (*numbers, histogram, response)
        tally = cls(*columns)
        _check(tally)
        return tally


def _told(tally: Tally) -> tuple[object, ...]:
    head = (tally.requests, tally.failures, tally.cancelled, tally.untimed, tally.total_us)
    return (*head, tally.min_us, tally.max_us, tally.bytes, tally.histogram, tally.response)


def bucket_column(histogram: Histogram) -> tuple[int | Column, Column]:
    """A histogram as two columns: the deltas of its indexes, and its counts.

    Where few of its buckets are empty, the first index instead of deltas, and the counts of all buckets from there to
    the last: of these, many are added up in one go (`sent.poured`).
    """
    if len(histogram) >= WINDOW_LEAST:
        first, last = min(histogram), max(histogram)
        if last - first < WINDOW_WIDTH * len(histogram) and max(histogram.values()) < 256:
            window = bytearray(last - first + 1)
            for index, count in histogram.items():
                window[index - first] = count
            return first, bytes(window)
    indexes = sorted(histogram)
    deltas = [b - a for a, b in zip([0, *indexes], indexes, strict=False)]
    return _column(deltas), _column([histogram[i] for i in indexes])


def histogram_of(place: object, told: object, size: int) -> Histogram:
    """The histogram of `bucket_column`; ValueError when an index is not below `size`, or a count is nothing."""
    return put_together(*checked_columns(place, told, size))


def put_together(place: int | Column, counts: Sequence[int]) -> Histogram:
    """The histogram of columns that were checked; of a window, where all buckets from `place` on are told."""
    if isinstance(place, int):
        return {index: count for index, count in enumerate(counts, place) if count}
    return dict(zip(accumulate(place), counts))  # noqa: B905 - of one length; `strict` is looked at each time


def checked_columns(place: object, told: object, size: int) -> tuple[int | Column, Column]:
    """The same, once they surely are those of a histogram whose indexes are below `size`; ValueError otherwise."""
    if type(place) is int:
        if not is_window(place, told, size):
            raise ValueError("a histogram's window begins and ends with a sample, within the buckets that there are")
        return place, bucket_numbers(told)
    deltas, counts = bucket_numbers(place), bucket_numbers(told)
    if len(deltas) != len(counts):
        raise ValueError("a histogram's columns are of one length")
    if sum(deltas) >= size or 0 in deltas[1:]:
        raise ValueError("a histogram's index is out of range or stands twice")
    if 0 in counts:
        raise ValueError("a histogram has no empty buckets")
    return deltas, counts


def is_window(first: int, counts: object, size: int) -> bool:
    """Whether these are the buckets from one on, below `size`, of which the first and the last are not empty."""
    if type(counts) is not bytes or not counts:
        return False
    return first >= 0 and first + len(counts) <= size and counts[0] > 0 and counts[-1] > 0


def _column(numbers: list[int]) -> bytes | list[int]:
    """Bytes where every number fits one, else a list: both iterate as integers."""
    most = max(numbers, default=0)
    if most < 256:
        return bytes(numbers)
    return numbers if most <= SUM_MAX else [min(number, SUM_MAX) for number in numbers]


def are_counts(numbers: list[Any]) -> bool:
    """Whether all are whole, not negative and below 2^63; asked of each tally of each report, so without a loop."""
    if not numbers:
        return True
    return {*map(type, numbers)} == _INT_ALONE and min(numbers) >= 0 and max(numbers) <= SUM_MAX


def bucket_numbers(column: object) -> bytes | list[int]:
    """A column of `bucket_column`, checked to be whole numbers that are not negative."""
    if isinstance(column, bytes):
        return column
    if isinstance(column, list) and are_counts(column):
        return column
    raise ValueError("a histogram's column is bytes or whole numbers that are not negative")


def _check(tally: Tally) -> None:
    is_cut = tally.requests == SUM_MAX
    if sum(tally.histogram.values()) != tally.timed and not is_cut:
        raise ValueError("a histogram does not hold as many samples as were counted")
    if tally.response is not None and tally.response.count > tally.timed and not is_cut:
        raise ValueError("more response times than samples with a latency")
    if tally.failures > tally.requests or tally.untimed > tally.requests:
        raise ValueError("more failures or untimed samples than requests")
