"""A block's endpoints packed: one row of bytes a figure for all of them, and their histograms side by side. PURE.

A large fleet's report has twenty endpoints or more, and each as a list of its own costs a master a dozen steps to check
and as many to add up. Packed, it is a dozen steps a report, whatever it has: rows of bytes are one large integer each,
and these are added in C.

    names     "GET", "/a", "GET", "/b" …          with a NUL between
    requests  of each second of each endpoint     rows: all lowest bytes, then all second bytes, as many as are needed
    failures  the same
    sums      cancelled, µs, bytes                all endpoints' of the first, then of the second …
    ends      least and longest µs                the same
    places    first bucket and width of a window  the same
    windows   their counts, one after the other   a byte a bucket

What an endpoint has in all, and how many samples were not timed, follows. An endpoint that does not fit in (256 samples
in a bucket, a response time, few samples far apart) stays a row by itself beside them.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate, chain, pairwise
from operator import add, gt
from struct import pack, unpack
from typing import TYPE_CHECKING, NamedTuple
from zlib import adler32

from tidal.model.envelopes import TEXT_MAX
from tidal.model.stats import BUCKET_COUNT, bucket_column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tidal.model.each import Each
    from tidal.model.stats import Tally

SEP = "\0"
COUNT_BYTES, SUM_BYTES, PLACE_BYTES = 2, 6, 2
"""Of a second's count, of a sum or a time (`samples.COUNT_MAX`), of a bucket's index: what is larger is not packed."""
NAMES_KEPT_MAX, NAMES_KEPT = 20_000, 64
"""A fleet's reports name the same endpoints: names of so many characters are taken apart once."""
ADLER_MAX = 256
"""Bytes whose sum an Adler-32 has in its lower half: 256 times 255 is below its modulus."""

Key = tuple[str, str]


class Packed(NamedTuple):
    """The packed endpoints of a block that was checked; large integers are little-endian numbers of one width."""

    keys: tuple[Key, ...]
    span: int
    requests: int  # numbers of four bytes: all endpoints of the first second, then of the next
    failures: int
    sums: int  # numbers of eight bytes: cancelled of all endpoints, then total_us, then bytes
    ends: tuple[int, ...]  # min_us of all endpoints, then max_us
    firsts: tuple[int, ...]  # buckets
    cuts: tuple[int, ...]  # where each window begins, and where the last one ends
    windows: bytes

    @property
    def most_us(self) -> tuple[int, ...]:
        """The longest latency of each endpoint."""
        return self.ends[len(self.keys) :]


# ------------------------------------------------------------------ writing


def packed(tallies: Mapping[Key, Tally], each: Each) -> tuple[list[object], frozenset[Key]]:
    """What fits in of a block's tallies, as it travels, and whose it is; nothing and nobody where none does."""
    told = {key: window for key in sorted(tallies) if (window := _window(key, tallies[key], each)) is not None}
    if not told:
        return [], frozenset()
    fit = [tallies[key] for key in told]
    counts = [each.of(key) for key in told]
    requests, failures = ([row[at] for second in zip(*counts, strict=True) for row in second] for at in (0, 1))
    sums = chain(*zip(*[(one.cancelled, one.total_us, one.bytes) for one in fit], strict=True))
    ends = chain(*zip(*[(one.min_us, one.max_us) for one in fit], strict=True))
    places = chain(*zip(*[(first, len(window)) for first, window in told.values()], strict=True))
    names = SEP.join(chain.from_iterable(told))
    columns = [_rows(list(numbers)) for numbers in (requests, failures, sums, ends, places)]
    return [names, *columns, b"".join([window for _, window in told.values()])], frozenset(told)


def _window(key: Key, tally: Tally, each: Each) -> tuple[int, bytes] | None:
    """The histogram of an endpoint that fits in; None of one that does not."""
    place, counts = bucket_column(tally.histogram)
    if not isinstance(place, int) or not isinstance(counts, bytes) or tally.response is not None:
        return None
    requests, failures = zip(*each.of(key), strict=True)
    sums = (tally.cancelled, tally.total_us, tally.bytes, tally.min_us, tally.max_us)
    fits = max(requests) < 1 << 8 * COUNT_BYTES and max(sums) < 1 << 8 * SUM_BYTES and SEP not in key[0] + key[1]
    is_sound = (sum(requests), sum(failures)) == (tally.requests, tally.failures) and sum(counts) == tally.timed
    return (place, counts) if fits and is_sound else None


def _rows(numbers: Sequence[int]) -> bytes:
    """All lowest bytes, then all second bytes, as many as the largest needs: high ones are mostly 0, and compress."""
    raw, width = pack(f"<{len(numbers)}Q", *numbers), (max(numbers).bit_length() + 7) // 8
    return b"".join([raw[at::8] for at in range(width)])


# ------------------------------------------------------------------ reading


def unpacked(wire: object, span: int) -> Packed:
    """The endpoints of `packed`, checked; ValueError for what cannot be."""
    if type(wire) is not list or len(wire) != 7 or type(wire[0]) is not str or {*map(type, wire[1:])} != {bytes}:
        raise ValueError("packed endpoints are their names and six rows of bytes")
    names, requests, failures, sums, ends, places, windows = wire
    keys = _keys_of(names) if len(names) <= NAMES_KEPT_MAX else _keys_of.__wrapped__(names)
    count = len(keys)
    told = int.from_bytes(told_rows := _lanes(requests, count * span, 4, COUNT_BYTES), "little")
    failed = int.from_bytes(_lanes(failures, count * span, 4, COUNT_BYTES), "little")
    if failed:
        top = _tops(count * span)
        if ((told | top) - failed) & top != top:
            raise ValueError("more failures than requests in a second")
    firsts, cuts = _places(places, windows, count)
    ends_us = unpack(f"<{2 * count}Q", _lanes(ends, 2 * count, 8, SUM_BYTES))
    if any(map(gt, ends_us[:count], ends_us[count:])):
        raise ValueError("a least latency above the longest")
    wholes = map(sum, zip(*parts_of(unpack(f"<{count * span}I", told_rows), count), strict=True))
    if any(map(gt, _sums(windows, cuts), wholes)):
        raise ValueError("a histogram holds more samples than were counted")
    added = int.from_bytes(_lanes(sums, 3 * count, 8, SUM_BYTES), "little")
    return Packed(keys, span, told, failed, added, ends_us, firsts, cuts, windows)


@lru_cache(NAMES_KEPT)
def _keys_of(names: str) -> tuple[Key, ...]:
    parts = [name[:TEXT_MAX] for name in names.split(SEP)]
    keys = tuple(zip(parts[::2], parts[1::2], strict=False))
    if len(parts) % 2 or len({*keys}) < len(keys):
        raise ValueError("packed endpoints have a method and a name each, and none stands there twice")
    return keys


def _lanes(rows: bytes, count: int, width: int, rows_max: int) -> bytearray:
    """So many numbers of a width, of the bytes of `_rows`."""
    many, rest = divmod(len(rows), count)
    if rest or many > rows_max:
        raise ValueError("rows of bytes have a byte for each number, and no more than a number may have")
    lanes = bytearray(width * count)
    for at in range(many):
        lanes[at::width] = rows[at * count : (at + 1) * count]
    return lanes


@lru_cache(NAMES_KEPT)
def _tops(count: int) -> int:
    """The highest bit of so many numbers of four bytes: it stays where one is taken off that is not larger."""
    return int.from_bytes(b"\0\0\0\x80" * count, "little")


def _places(places: bytes, windows: bytes, count: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The first bucket of each window, and where it lies among all."""
    numbers = unpack(f"<{2 * count}H", _lanes(places, 2 * count, 2, PLACE_BYTES))
    firsts, widths = numbers[:count], numbers[count:]
    cuts = tuple(accumulate(widths, initial=0))
    if min(widths) == 0 or cuts[-1] != len(windows) or max(map(add, firsts, widths)) > BUCKET_COUNT:
        raise ValueError("windows lie side by side, each within the buckets that there are")
    if 0 in {*map(windows.__getitem__, cuts[:-1])} or 0 in {windows[end - 1] for end in cuts[1:]}:
        raise ValueError("a window begins and ends with a sample")
    return firsts, cuts


def _sums(windows: bytes, cuts: Sequence[int]) -> list[int]:
    """What each window holds: the lower half of an Adler-32 is 1 and the sum, found six times as fast as by `sum`."""
    parts = [windows[begin:end] for begin, end in pairwise(cuts)]
    return [(adler32(part) - 1) & 0xFFFF if len(part) <= ADLER_MAX else sum(part) for part in parts]


def parts_of(numbers: Sequence[int], count: int) -> list[Sequence[int]]:
    """So many at a time: of all endpoints together."""
    return [numbers[begin : begin + count] for begin in range(0, len(numbers), count)]
