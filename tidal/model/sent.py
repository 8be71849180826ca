"""Tallies as they came: the columns of a report, checked, with a histogram only when somebody asks for it. PURE.

A master adds up twenty thousand tallies a second. Making a dict of each only to pour it into another costs more than
all else, so those of one endpoint and second are summed from their columns (`summed`), in one go.
"""

from __future__ import annotations

from itertools import accumulate, chain
from struct import unpack
from typing import TYPE_CHECKING, Any

from tidal.model.stats import BUCKET_COUNT, SentSpread, Spread, Tally, is_window, merge_histogram, put_together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidal.model.stats import Histogram

Columns = tuple[list[int], int | list[int] | bytes, bytes]
"""A tally's eight numbers, the deltas of its histogram's indexes, its counts; or the first index and a window."""
LANE_TALLIES = 257
"""Counts below 256 of so many tallies fit two bytes."""

_INT_ALONE = {int}


_NUMBERS = ("requests", "failures", "cancelled", "untimed", "total_us", "min_us", "max_us", "bytes")


class SentTally(Tally):
    """A tally like any other, which is its columns until somebody looks at it."""

    __slots__ = ("columns",)

    columns: Columns | None

    def __getattr__(self, name: str) -> Any:
        """What was not looked at before; from now on the columns say nothing."""
        columns = self.columns if name != "columns" else None
        if columns is None:
            raise AttributeError(name)
        numbers, place, counts = columns
        for each, number in zip(_NUMBERS, numbers, strict=True):
            setattr(self, each, number)
        self.histogram = put_together(place, counts)
        self.columns = self.response = None
        return getattr(self, name)

    def __reduce__(self) -> tuple[type[Tally], tuple[Any, ...]]:
        """A copy, or what is pickled, is a plain one: columns must not stay beside what was counted since."""
        return Tally, (*(getattr(self, each) for each in _NUMBERS), dict(self.histogram), self.response)


def sent_tallies(wires: Sequence[Any], below: int) -> list[Tally] | None:
    """Tallies of `Tally.to_wire` when all are beyond doubt and their numbers below a limit; None otherwise."""
    if not wires or {*map(type, wires)} != {list} or {*map(len, wires)} != {10}:
        return None
    heads = [wire[:8] for wire in wires]
    numbers = [*chain.from_iterable(heads)]
    if {*map(type, numbers)} != _INT_ALONE or min(numbers) < 0 or max(numbers) >= below:
        return None
    tallies = list[Tally]()
    for head, wire in zip(heads, wires, strict=True):
        place, counts = wire[8], wire[9]
        is_sound = is_window(place, counts, BUCKET_COUNT) if type(place) is int else _are_buckets(place, counts)
        if not is_sound or head[1] > head[0] or sum(counts) != head[0] - head[3]:
            return None
        tally = SentTally.__new__(SentTally)
        tally.columns = (head, place, counts)
        tallies.append(tally)
    return tallies


def slow_of(tally: Tally) -> int:
    """The longest latency in µs; -1 when nothing was timed."""
    columns = tally.columns if type(tally) is SentTally else None
    if columns is not None:  # which are of samples that were timed
        return columns[0][6]
    return tally.max_us if tally.requests > tally.untimed else -1


def _are_buckets(deltas: Any, counts: Any) -> bool:
    """Whether two columns surely are those of a histogram that is not empty."""
    if type(counts) is not bytes or not counts or 0 in counts or len(deltas) != len(counts):
        return False
    if type(deltas) is not bytes and (type(deltas) is not list or {*map(type, deltas)} != _INT_ALONE):
        return False
    return min(deltas[1:], default=1) > 0 <= deltas[0] and sum(deltas) < BUCKET_COUNT


def summed(tallies: Sequence[Tally]) -> Tally:
    """The sum of tallies, a new one: as if each had been merged into it."""
    columns = [tally.columns for tally in tallies if type(tally) is SentTally]
    told = [column for column in columns if column is not None]
    if len(told) < len(tallies) or len(told) < 2:
        return _merged(tallies)
    requests, failures, cancelled, untimed, total_us, min_us, max_us, size = zip(*[c[0] for c in told], strict=True)
    sums = (sum(requests), sum(failures), sum(cancelled), sum(untimed), sum(total_us))
    return Tally(*sums, min(min_us), max(max_us), sum(size), poured([column[1:] for column in told]))


def summed_spreads(spreads: Sequence[Spread]) -> Spread:
    """The sum of spreads, a new one."""
    whole = Spread()
    sent = [each for each in spreads if type(each) is SentSpread and each.window is not None]
    for other in spreads if len(sent) < len(spreads) else ():
        whole.merge(other)
    if not sent or len(sent) < len(spreads):
        return whole
    total_us, min_us, max_us = zip(*[(each.total_us, each.min_us, each.max_us) for each in sent], strict=True)
    return Spread(sum(total_us), min(min_us), max(max_us), poured([each.window for each in sent if each.window]))


def _merged(tallies: Sequence[Tally]) -> Tally:
    whole = tallies[0].copy()
    for tally in tallies[1:]:
        whole.merge(tally)
    return whole


def poured(told: Sequence[tuple[int | list[int] | bytes, bytes]]) -> Histogram:
    """One histogram of the columns of many."""
    windows = [(place, counts) for place, counts in told if type(place) is int]
    whole = _stacked(windows) if windows else {}
    deltas = [(place, counts) for place, counts in told if not isinstance(place, int)]
    if deltas:
        merge_histogram(whole, _counted(deltas))
    return whole


def _stacked(windows: Sequence[tuple[int, bytes]]) -> Histogram:
    """One of many windows: each is one large integer with two bytes a bucket, and these are added."""
    low = min([first for first, _ in windows])
    width = max([first + len(counts) for first, counts in windows]) - low
    whole: Histogram = {}
    for begin in range(0, len(windows), LANE_TALLIES):
        total = 0
        for first, counts in windows[begin : begin + LANE_TALLIES]:
            lanes = bytearray(2 * len(counts))
            lanes[::2] = counts
            total += int.from_bytes(lanes, "little") << 16 * (first - low)
        numbers = unpack(f"<{width}H", total.to_bytes(2 * width, "little"))
        merge_histogram(whole, put_together(low, numbers))
    return whole


def _counted(told: Sequence[tuple[list[int] | bytes, bytes]]) -> Histogram:
    """One of many: counted in a list, which is half as dear as a dict, and stays in the cache."""
    counted = [0] * BUCKET_COUNT
    for deltas, counts in told:
        for index, count in zip(accumulate(deltas), counts):  # noqa: B905 - checked; `strict` is looked at each time
            counted[index] += count
    first = min([deltas[0] for deltas, _ in told])
    end = 1 + max([sum(deltas) for deltas, _ in told])
    return put_together(first, counted[first:end])
