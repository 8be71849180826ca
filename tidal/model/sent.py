"""Tallies as they came: the columns of a report, checked, with a histogram only when somebody asks for it. PURE.

A master adds up twenty thousand tallies a second. Making a dict of each only to pour it into another costs more than
all else, so those of one endpoint and second are summed from their columns (`summed`), in one go.
"""

from __future__ import annotations

from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any

from tidal.model.stats import BUCKET_COUNT, Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidal.model.stats import Histogram

Columns = tuple[list[int], list[int] | bytes, bytes]
"""A tally's eight numbers, the deltas of its histogram's indexes, its counts."""

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
        numbers, deltas, counts = columns
        for each, number in zip(_NUMBERS, numbers, strict=True):
            setattr(self, each, number)
        self.histogram = dict(zip(accumulate(deltas), counts))  # noqa: B905 - checked to be of one length
        self.columns = self.response = None
        return getattr(self, name)


def sent_tallies(wires: Sequence[Any], below: int) -> list[Tally] | None:
    """Tallies of `Tally.to_wire` when all are beyond doubt and their numbers below a limit; None otherwise."""
    if not wires or {*map(type, wires)} != {list} or {*map(len, wires)} != {10}:
        return None
    heads = [wire[:8] for wire in wires]
    numbers = [*chain.from_iterable(heads)]
    if {*map(type, numbers)} != _INT_ALONE or min(numbers) < 0 or max(numbers) >= below:
        return None
    tallies = list[Tally]()
    for head, (*_, deltas, counts) in zip(heads, wires, strict=True):
        requests, failures, untimed = head[0], head[1], head[3]
        if failures > requests or not _are_buckets(deltas, counts) or sum(counts) != requests - untimed:
            return None
        tally = SentTally.__new__(SentTally)
        tally.columns = (head, deltas, counts)
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
    return Tally(*sums, min(min_us), max(max_us), sum(size), _poured(told))


def _merged(tallies: Sequence[Tally]) -> Tally:
    whole = tallies[0].copy()
    for tally in tallies[1:]:
        whole.merge(tally)
    return whole


def _poured(told: list[Columns]) -> Histogram:
    """One histogram of many: counted in a list, which is half as dear as a dict, and stays in the cache."""
    counted = [0] * BUCKET_COUNT
    for _, deltas, counts in told:
        for index, count in zip(accumulate(deltas), counts):  # noqa: B905 - checked; `strict` is looked at each time
            counted[index] += count
    first = min([deltas[0] for _, deltas, _ in told])
    end = 1 + max([sum(deltas) for _, deltas, _ in told])
    return {index: count for index, count in enumerate(counted[first:end], first) if count}
