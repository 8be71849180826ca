"""Packed endpoints added up, many reports at a time, and looked at one by one. PURE."""

from __future__ import annotations

from itertools import accumulate, pairwise
from operator import add
from struct import unpack
from typing import TYPE_CHECKING

from tidal.model.each import Each
from tidal.model.packed import parts_of
from tidal.model.stats import BUCKET_COUNT, Tally, put_together
from tidal.model.unmade import Unmade

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidal.model.each import Column
    from tidal.model.packed import Packed

Key = tuple[str, str]


def summed_up(told: Sequence[Packed]) -> tuple[list[Tally], list[list[int]], list[list[int]]]:
    """The sums of packed endpoints of the same names and span, in their order; their requests, failures by second."""
    count, span = len(told[0].keys), told[0].span
    requests = _numbers(sum([one.requests for one in told]), count * span, "I", count)
    failures = _numbers(sum([one.failures for one in told]), count * span, "I", count)
    sums = _numbers(sum([one.sums for one in told]), 3 * count, "Q", count)
    least = map(min, zip(*[one.ends[:count] for one in told], strict=True))
    most = map(max, zip(*[one.most_us for one in told], strict=True))
    by_endpoint = [*map(list, zip(*requests, strict=True))], [*map(list, zip(*failures, strict=True))]
    tallies = list[Tally]()
    for asked, failed, cancelled, total_us, size, least_us, most_us, (first, counts) in zip(
        *by_endpoint, *sums, least, most, _stacked(told), strict=True
    ):
        whole = sum(asked)
        histogram = put_together(first, counts)
        head = (whole, sum(failed), cancelled, whole - sum(counts), total_us)
        tallies.append(Tally(*head, least_us, most_us, size, histogram))
    return tallies, *by_endpoint


def _numbers(whole: int, count: int, kind: str, many: int) -> list[Sequence[int]]:
    return parts_of(unpack(f"<{count}{kind}", whole.to_bytes(count * (4 if kind == "I" else 8), "little")), many)


STACK_MAX = 257
"""Counts below 256 of so many windows fit two bytes."""
_NOTHING = bytes(BUCKET_COUNT)


def _stacked(told: Sequence[Packed]) -> list[tuple[int, Sequence[int]]]:
    """Of each endpoint the first bucket of all its windows, and their sums from there on."""
    lows = [*map(min, zip(*[one.firsts for one in told], strict=True))]
    last = [map(add, one.firsts, map(int.__sub__, one.cuts[1:], one.cuts)) for one in told]
    widths = [high - low for high, low in zip(map(max, zip(*last, strict=True)), lows, strict=True)]
    whole = [0] * sum(widths)
    for begin in range(0, len(told), STACK_MAX):
        counts = _added([_aligned(one, lows, widths) for one in told[begin : begin + STACK_MAX]], len(whole))
        whole = [*map(add, whole, counts)] if begin else counts
    cuts = [*accumulate(widths, initial=0)]
    return [(low, whole[begin:end]) for low, (begin, end) in zip(lows, pairwise(cuts), strict=True)]


def _aligned(one: Packed, lows: Sequence[int], widths: Sequence[int]) -> bytes:
    """Its windows, each filled up to where those of all begin and end."""
    parts = list[bytes]()
    for first, low, width, begin, end in zip(one.firsts, lows, widths, one.cuts, one.cuts[1:], strict=False):
        before = first - low
        parts += (_NOTHING[:before], one.windows[begin:end], _NOTHING[: width - before - end + begin])
    return b"".join(parts)


def _added(rows: Sequence[bytes], length: int) -> list[int]:
    """Rows of bytes added up: as large integers, whose odd and even bytes are numbers of two bytes each."""
    mask = int.from_bytes(b"\xff\0" * (length // 2 + 1), "little")
    even = odd = 0
    for row in rows:
        number = int.from_bytes(row, "little")
        even += number & mask
        odd += (number >> 8) & mask
    half = (length + 1) // 2
    numbers = [0] * (2 * half)
    numbers[::2] = unpack(f"<{half}H", even.to_bytes(2 * half, "little"))
    numbers[1::2] = unpack(f"<{half}H", odd.to_bytes(2 * half, "little"))
    return numbers[:length]


# ------------------------------------------------------------------ as if they had come one by one


class SentTallies(Unmade[Key, Tally]):
    """The tallies of a block that came packed, and of `rest`, which came row by row; `each` is that of the rest."""

    __slots__ = ("each", "packed", "rest", "whole")

    def __init__(self, told: Packed, rest: dict[Key, Tally], each: Each) -> None:
        super().__init__(lambda: dict(sorted([*rest.items(), *_tallies(told).items()])))
        self.packed, self.rest, self.each = told, rest, each
        self.whole = Each(
            each.user_ms,
            Unmade(lambda: {**each.requests, **_columns(told, told.requests)}),
            Unmade(lambda: {**each.failures, **{k: c for k, c in _columns(told, told.failures).items() if any(c)}}),
        )

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.packed.keys) + len(self.rest)


def _tallies(told: Packed) -> dict[Key, Tally]:
    return dict(zip(told.keys, summed_up([told])[0], strict=True))


def _columns(told: Packed, whole: int) -> dict[Key, Column]:
    """A number for each second, by endpoint."""
    count = len(told.keys)
    columns = zip(*_numbers(whole, count * told.span, "I", count), strict=True)
    return {key: bytes(c) if max(c) < 256 else list(c) for key, c in zip(told.keys, columns, strict=True)}
