"""Arrivals: the moments at which iterations are to begin, whoever begins them.

    rate  50/s ┤     ┌────────      the area under the curve up to a moment is how many arrivals were due by then;
               │  ┌──┘              arrival k (they have the indexes 0, 1, 2 …) is due when the area passes k
             0 ┼──┴─────────▶ plan time

Every machine computes the same from the same curve, so nobody has to tell anybody when to start what: rates are whole
millionths of an arrival a second, moments whole microseconds, and the area is an exact integer. Arrival k of a curve
lies in a slot as user k does (`Owned`); who owns that slot, by the plan in force at its due moment, begins it.

Even spacing puts arrival k where the area is k, the first at once. Poisson spacing scatters them over the same area:
blocks of 1,024 arrivals' worth each draw how many they hold and where, from a hash of seed, curve and block, so that
any index is found without the ones before it.

A curve that continues another one (another rate is wanted, a pause) begins with the area so far: whole arrivals in
its `base`, and what is on the way to the next in its `rest`, in the unit of area. This keeps every index.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from functools import cache, lru_cache
from hashlib import shake_128
from itertools import accumulate, pairwise
from math import isqrt
from struct import unpack
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidal.model.plan import Points
    from tidal.model.spec import Track

EVEN, POISSON = "even", "poisson"
SPACINGS = (EVEN, POISSON)
PART_BITS = 24
"""A part is 2^-24 of an arrival: where Poisson spacing may put one."""
IN_FLIGHT_GUARD = 10_000
"""Iterations at once in a generator, where the operator set no bound: a target that stands still must not fill it."""
_MICRO = 1_000_000
_PART = 5**12
ARRIVAL = _PART << PART_BITS
"""Area is counted in units of which an arrival has 2^24 · 5^12 = 2^12 · (10^6 µs a second) · (10^6 millionths)."""
_BLOCK_BITS = 10
_BLOCK = 1 << _BLOCK_BITS
_BLOCKS_DRAWN = 1 << 17
"""From this block on (134 million arrivals) each holds as many as it should on average: to count is never to wait."""


class _Stretch(NamedTuple):
    """A straight piece of a curve: rate in millionths a second, moments in µs."""

    start_us: int
    length_us: int  # 1 where the rate stays: it cancels out
    rate: int
    rise: int  # of the rate over the whole piece
    area: int  # before it

    def scaled_area(self, past_us: int) -> int:
        """The area up to so many µs into the piece, times its length, exact."""
        grown = (2 * self.length_us * self.rate + self.rise * past_us) * past_us
        return self.length_us * self.area + (grown << 11)

    def reached(self, area: int) -> int | None:
        """How far into the piece its area is at most this, in µs; None: for ever."""
        if not self.rise:
            return (area - self.area) // (self.rate << 12) if self.rate else None
        start = self.length_us * self.rate
        target = (area - self.area) * self.length_us >> 11
        root = isqrt(max(0, start * start + self.rise * target))
        past_us = min(self.length_us, target // max(1, start + root))
        while past_us and self.scaled_area(past_us) > self.length_us * area:
            past_us -= 1
        while past_us < self.length_us and self.scaled_area(past_us + 1) <= self.length_us * area:
            past_us += 1
        return past_us


class Arrivals:
    """The arrivals of one curve.

    Args:
        points: (plan ms, arrivals a second), joined by straight lines; the last rate holds. Before the first: none.
        end_ms: plan time of the end, or None; nothing is due at it or later.
        spacing: "even" or "poisson".
        seed: of Poisson spacing.
        name: of the curve: two curves of one run are not in step.
        base: arrivals before the first point.
        rest: the area after those, in units of which an arrival has ARRIVAL.
    """

    def __init__(
        self,
        points: Points,
        *,
        end_ms: int | None = None,
        spacing: str = EVEN,
        seed: int = 0,
        name: str = "",
        base: int = 0,
        rest: int = 0,
    ) -> None:
        if spacing not in SPACINGS:
            raise ValueError(f"spacing is {' or '.join(SPACINGS)}, not {spacing!r}")
        self._base, self._key, self._is_even = base * ARRIVAL + rest, f"{seed}/{name}/", spacing == EVEN
        self._stretches = _stretches(points, self._base)
        self._starts = [s.start_us for s in self._stretches]
        self._areas = [s.area for s in self._stretches]
        self._end_us = None if end_ms is None else end_ms * 1000
        self._counted = array("q", [0])  # Poisson: arrivals before each block
        self._total: int | None = None
        if self._end_us is not None:
            self._total = self._area(self._end_us)
        elif not self._stretches or not self._stretches[-1].rate:
            self._total = self._areas[-1] if self._areas else self._base

    def __repr__(self) -> str:
        spacing = EVEN if self._is_even else POISSON
        return f"<Arrivals {spacing}, {len(self._stretches)} pieces, {self.total} in all>"

    @property
    def total(self) -> int | None:
        """How many there are in all, those before the first point too; None: no end of them."""
        return None if self._total is None else self._count(self._total)

    def count_before(self, plan_us: int) -> int:
        """How many arrivals are due before a moment: those with the indexes below this."""
        return self._count(self._area(plan_us))

    def due_us(self, index: int) -> int | None:
        """When an arrival is due, in µs of plan time, rounded down; None: never.

        One that was due before this curve's first point is said to be due just before it.
        """
        area = index * ARRIVAL if self._is_even else self._scattered(index)
        if area is None or (self._total is not None and area >= self._total):
            return None
        if area < self._base:
            return self._starts[0] - 1
        stretch = self._stretches[bisect_right(self._areas, area) - 1]
        past_us = stretch.reached(area)
        return None if past_us is None else stretch.start_us + past_us

    def reached(self, plan_us: int) -> tuple[int, int]:
        """The area before a moment as whole arrivals and the rest: `base` and `rest` of a curve from there on."""
        return divmod(self._area(plan_us), ARRIVAL)

    def _area(self, plan_us: int) -> int:
        """The area before a moment, rounded up: in the middle of a ramp it is a fraction of a unit."""
        if self._end_us is not None:
            plan_us = min(plan_us, self._end_us)
        place = bisect_right(self._starts, plan_us) - 1
        if place < 0:
            return self._base
        stretch = self._stretches[place]
        return -(-stretch.scaled_area(plan_us - stretch.start_us) // stretch.length_us)

    def _count(self, area: int) -> int:
        """How many arrivals lie below an area."""
        if self._is_even:
            return -(-area // ARRIVAL)
        block, rest = divmod(-(-area // _PART), 1 << PART_BITS + _BLOCK_BITS)
        return self._before_block(block) + (bisect_left(_places(self._key, block), rest) if rest else 0)

    def _scattered(self, index: int) -> int | None:
        """Poisson: the area at which arrival `index` lies; None when that is beyond all there is."""
        while self._counted[-1] <= index:
            block = len(self._counted) - 1
            if block == _BLOCKS_DRAWN:
                block, place = divmod(index - self._counted[-1], _BLOCK)
                return self._place(block + _BLOCKS_DRAWN, place)
            if self._total is not None and block * _BLOCK * ARRIVAL >= self._total:
                return None
            self._before_block(block + 1)
        block = bisect_right(self._counted, index) - 1
        return self._place(block, index - self._counted[block])

    def _place(self, block: int, place: int) -> int:
        """The area at which a block's arrival lies."""
        return block * _BLOCK * ARRIVAL + _places(self._key, block)[place] * _PART

    def _before_block(self, block: int) -> int:
        drawn = min(block, _BLOCKS_DRAWN)
        while len(self._counted) <= drawn:
            self._counted.append(self._counted[-1] + _drawn(self._key, len(self._counted) - 1))
        return self._counted[drawn] + (block - drawn) * _BLOCK


def _stretches(points: Points, area: int) -> list[_Stretch]:
    """The straight pieces of a curve in order; the last one has no end."""
    made = []
    corners = [(at_ms * 1000, round(rate * _MICRO)) for at_ms, rate in points]
    for (from_us, rate), (to_us, end_rate) in pairwise(corners):
        length_us, rise = to_us - from_us, end_rate - rate
        if length_us:
            made.append(_Stretch(from_us, length_us if rise else 1, rate, rise, area))
            area += (2 * rate + rise) * length_us << 11
    if corners:
        made.append(_Stretch(corners[-1][0], 1, corners[-1][1], 0, area))
    return made


# ------------------------------------------------------------------ Poisson


@cache
def _thresholds() -> tuple[int, tuple[int, ...]]:
    """The lowest count that a block may hold, and where in 2^64 each count's chance ends; integers throughout."""
    spread = _BLOCK // 2  # sixteen standard deviations
    up, down = [1 << 256], [1 << 256]
    for count in range(_BLOCK, _BLOCK + spread):
        up.append(up[-1] * _BLOCK // (count + 1))
    for count in range(_BLOCK, _BLOCK - spread, -1):
        down.append(down[-1] * count // _BLOCK)
    sums = list(accumulate([*down[:0:-1], *up]))
    return _BLOCK - spread, tuple((s << 64) // sums[-1] for s in sums)


def _drawn(key: str, block: int) -> int:
    """How many arrivals a block holds."""
    if block >= _BLOCKS_DRAWN:
        return _BLOCK
    lowest, ends = _thresholds()
    chance = int.from_bytes(shake_128(f"{key}{block}".encode()).digest(8), "little")
    return lowest + bisect_right(ends, chance)


@lru_cache(maxsize=64)
def _places(key: str, block: int) -> tuple[int, ...]:
    """Where in a block its arrivals lie, in order, in parts."""
    count = _drawn(key, block)
    chances = shake_128(f"{key}{block}".encode()).digest(8 + 8 * count)
    shift = 64 - PART_BITS - _BLOCK_BITS
    return tuple(sorted(chance >> shift for chance in unpack(f"<{count}Q", chances[8:])))


# ------------------------------------------------------------------ of a plan


@lru_cache(maxsize=256)
def arrivals_of(track: Track, end_ms: int | None, spacing: str = EVEN, seed: int = 0) -> Arrivals:
    """The arrivals of a plan's curve, up to the plan's end."""
    return Arrivals(
        track.points, end_ms=end_ms, spacing=spacing, seed=seed, name=track.name, base=track.base, rest=track.rest
    )


def in_flight_of(most: int, mine: Iterable[int], slots: int) -> int:
    """A generator's part of the iterations that may run at once in the whole run, by its slots; at least one.

    Each slot has its own whole part, so the parts of all slots sum up to the whole. `most` is 0: the guard.
    """
    if not most:
        return IN_FLIGHT_GUARD
    return max(1, sum(most * (slot + 1) // slots - most * slot // slots for slot in mine))
