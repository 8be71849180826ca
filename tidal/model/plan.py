"""The load as a function of plan time, and who owns which part of it.

The users of a curve have indexes 0, 1, 2 … A curve says how many are to run at a moment: those below the count run, so
the highest stop first. `Mix` maps an index to a user class and the number within it by a fixed sequence; a curve with
the name of a class has that class's users only. Index g lies in slot g modulo the number of slots (a class's curve
begins at a slot of its own, so that few users of many classes do not all lie in the first); a table maps slots to
owners. Every worker computes the same from the same plan, so nobody has to tell anybody when to start a user.

Plan time is in milliseconds since the run began. On a rising line user k starts when the line reaches k, so the
first starts at once; on a falling line user k stops when the line has come down to k.
"""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction
from math import ceil, floor
from struct import pack, unpack
from typing import TYPE_CHECKING, TypeVar

from tidal.model.envelopes import SLOTS_MAX
from tidal.model.queueing import Queue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tidal.model.events import ClassSpec, Track

_Owner = TypeVar("_Owner", bound=Hashable)
NOBODY = 0xFFFF
_HAIR = 1e-9
"""Floating point dust: a line that reaches 3 to within this has reached 3."""

LEAD_MS = 300
"""How far in the future a plan begins, so that every worker has it by then."""

RAMP_MS_MAX = 1 << 45
"""A thousand years: a rate so low that a ramp takes longer makes a plan, too."""

Points = tuple[tuple[int, float], ...]


def value_at(points: Points, plan_ms: int) -> float:
    """The height of a curve; before its first point 0, after its last point that point's."""
    index = _segment(points, plan_ms)
    if index < 0:
        return 0.0
    if index == len(points) - 1:
        return points[index][1]
    (t0, v0), (t1, v1) = points[index], points[index + 1]
    return v0 + (v1 - v0) * (plan_ms - t0) / (t1 - t0)


def height_at(tracks: Iterable[Track], plan_ms: int) -> float:
    """How high curves are at a moment, all together."""
    return sum(value_at(track.points, plan_ms) for track in tracks)


def count_at(tracks: Iterable[Track], plan_ms: int) -> int:
    """How many users are to run at a moment: of each curve those with the indexes 0 … count-1."""
    return sum(_count(t.points, plan_ms) for t in tracks if t.unit == "users")


def counts_at(tracks: Iterable[Track], plan_ms: int) -> dict[str, int]:
    """How many users of each curve are to run at a moment; "" is the mix."""
    counts: dict[str, int] = {}
    for track in tracks:
        if track.unit == "users":
            counts[track.name] = counts.get(track.name, 0) + _count(track.points, plan_ms)
    return counts


def next_change_ms(tracks: Iterable[Track], plan_ms: int) -> int | None:
    """The first whole millisecond after `plan_ms` at which a curve's count differs from now; None: never."""
    curves = [t.points for t in tracks if t.unit == "users"]
    return min((ms for c in curves if (ms := _next_change(c, plan_ms)) is not None), default=None)


def ramp(from_ms: int, start: int, users: int, spawn_rate: float) -> Points:
    """A curve that goes from `start` users to `users` at `spawn_rate` users a second, and stays."""
    return line(from_ms, start, users, ramp_ms(abs(users - start), spawn_rate))


def ramp_ms(users: int, spawn_rate: float) -> int:
    """How long so many users take to come or go at `spawn_rate` users a second."""
    return max(1, round(min(users / spawn_rate * 1000, RAMP_MS_MAX)))


def line(from_ms: int, start: int, users: int, length_ms: int) -> Points:
    """A curve that goes from `start` users to `users` in a given time, and stays."""
    if start == users:
        return ((from_ms, float(users)),)
    return ((from_ms, float(start)), (from_ms + length_ms, float(users)))


def _segment(points: Points, plan_ms: int) -> int:
    """The index of the last point at or before a moment; -1 before the first."""
    index = -1
    for at_ms, _ in points:
        if at_ms > plan_ms:
            break
        index += 1
    return index


def _count(points: Points, plan_ms: int) -> int:
    index = _segment(points, plan_ms)
    if index < 0:
        return 0
    value = value_at(points, plan_ms)
    end = points[min(index + 1, len(points) - 1)][1]
    if end > points[index][1]:
        return min(floor(value + _HAIR) + 1, ceil(end - _HAIR))
    return ceil(value - _HAIR)


def _next_change(points: Points, plan_ms: int) -> int | None:
    now = _count(points, plan_ms)
    low_ms = plan_ms
    for corner_ms, _ in points:
        if corner_ms <= plan_ms:
            continue
        if _count(points, corner_ms - 1) != now:  # within the line before the corner, where counts are monotonic
            return _first_change(points, low_ms, corner_ms - 1, now)
        if _count(points, corner_ms) != now:
            return corner_ms
        low_ms = corner_ms
    return None


def _first_change(points: Points, low_ms: int, high_ms: int, now: int) -> int:
    """Bisect for the first millisecond in (low, high] whose count is not `now`."""
    while high_ms - low_ms > 1:
        middle_ms = (low_ms + high_ms) // 2
        if _count(points, middle_ms) == now:
            low_ms = middle_ms
        else:
            high_ms = middle_ms
    return high_ms


class Mix:
    """The fixed sequence that gives every user index a class and a number within it.

    Users of classes with a fixed count come first, in turn; then the weighted classes, always the one that is
    furthest behind its weight (exact, so every machine finds the same; ties go to the class whose name comes first).
    """

    def __init__(self, classes: Iterable[ClassSpec]) -> None:
        classes = tuple(sorted(classes, key=lambda c: c.name))  # whatever the file's order: ties go as in Locust
        self._fixed = [(c.name, c.fixed_count) for c in classes if c.fixed_count > 0]
        self._weights = [(c.name, Fraction(c.weight)) for c in classes if c.fixed_count <= 0 and c.weight > 0]
        self._sum = sum((w for _, w in self._weights), Fraction(0))
        self._sequence: list[tuple[str, int]] = list(self._fixed_users())
        self._fixed_total = len(self._sequence)
        self._counts = dict.fromkeys((name for name, _ in self._weights), 0)

    @property
    def limit(self) -> int | None:
        """How many users there can be; None: any number."""
        return None if self._weights else self._fixed_total

    def user(self, index: int) -> tuple[str, int]:
        """The class of the user with this index, and its number within the class; IndexError beyond the limit."""
        while index >= len(self._sequence):
            self._sequence.append(self._next())
        return self._sequence[index]

    def counts(self, users: int) -> dict[str, int]:
        """How many users of each class are among the first `users`."""
        result = {name: 0 for name, _ in (*self._fixed, *self._weights)}
        for index in range(users if self.limit is None else min(users, self.limit)):
            result[self.user(index)[0]] += 1
        return result

    def _fixed_users(self) -> Iterable[tuple[str, int]]:
        for number in range(max((count for _, count in self._fixed), default=0)):
            for name, count in self._fixed:
                if number < count:
                    yield name, number

    def _next(self) -> tuple[str, int]:
        if not self._weights:
            raise IndexError("every user class has a fixed count")
        step = len(self._sequence) - self._fixed_total + 1
        name, _ = max(self._weights, key=lambda item: item[1] * step / self._sum - self._counts[item[0]])
        number = self._counts[name]
        self._counts[name] += 1
        return name, number


class Ownership:
    """Which owner has which slot. Immutable; `moved_to` makes the next one with the fewest moves."""

    def __init__(self, owners: Sequence[str], table: bytes) -> None:
        if len(table) % 2:
            raise ValueError("a table of slots has two bytes a slot")
        self.owners = tuple(owners)
        self.table = table
        self._indexes = unpack(f">{len(table) // 2}H", table)
        if any(i != NOBODY and i >= len(self.owners) for i in set(self._indexes)):
            raise ValueError("a slot's owner is not in the list of owners")

    @classmethod
    def of_nobody(cls, slots: int) -> Ownership:
        """The ownership before anybody came."""
        return cls((), b"\xff\xff" * slots)

    def owner(self, slot: int) -> str | None:
        """Who owns a slot."""
        index = self._indexes[slot]
        return None if index == NOBODY else self.owners[index]

    def slots_of(self, owner: str) -> list[int]:
        """The slots of an owner, in order."""
        if owner not in self.owners:
            return []
        index = self.owners.index(owner)
        return [slot for slot, i in enumerate(self._indexes) if i == index]

    def moved_to(self, weights: Mapping[str, int]) -> Ownership:
        """The ownership of these owners with these weights, with the fewest moves (`share_out`)."""
        count = len(self._indexes)
        current = {slot: self.owners[i] for slot, i in enumerate(self._indexes) if i != NOBODY}
        shares = share_out(range(count), current, weights)
        indexes = {owner: i for i, owner in enumerate(weights)}
        table = pack(f">{count}H", *(indexes[shares[s]] if s in shares else NOBODY for s in range(count)))
        return Ownership(tuple(weights), table)


def share_out(slots: Sequence[int], current: Mapping[int, _Owner], weights: Mapping[_Owner, int]) -> dict[int, _Owner]:
    """Who owns each slot, given who owned it and the weights of the owners there are now.

    Slots of owners that are gone go to whoever has least for its weight; a newcomer takes its share from the others;
    no slot moves between two that stay. Every beginning of the slots is shared out evenly, not only the whole,
    because a run of 20 users uses the first 20 slots only.
    """
    if weights.keys().isdisjoint(current.values()) and len(set(weights.values())) == 1:
        owners = list(weights)  # nobody has any, and all are equal: in turn
        return {slot: owners[rank % len(owners)] for rank, slot in enumerate(slots)}
    return by_need(slots, current, weights)


def by_need(slots: Sequence[int], current: Mapping[int, _Owner], weights: Mapping[_Owner, int]) -> dict[int, _Owner]:
    """The same, slot by slot: whoever has least for its weight is next."""
    known = set(current.values())
    total = sum(weights.values())
    everybody = Queue(weights, total)
    newcomers = Queue({o: weight for o, weight in weights.items() if o not in known}, total)
    result: dict[int, _Owner] = {}
    for rank, slot in enumerate(slots):
        chosen = current.get(slot)
        if chosen is None or chosen not in weights:
            chosen = everybody.poorest(rank)
        elif newcomers.weights and everybody.lacking(chosen, rank) <= 0:
            poorest = newcomers.poorest(rank)
            chosen = poorest if poorest is not None and newcomers.lacking(poorest, rank) >= total else chosen
        if chosen is not None:
            everybody.give(chosen)
            newcomers.give(chosen)
            result[slot] = chosen
    return result


SLOTS, SLOTS_A_WORKER = 4_096, 4
"""Of a run, and at the least for each of the workers that it waits for: whoever has four has a fifth more or less."""


def slots_for(workers: int) -> int:
    """How many slots a run of so many workers has: more make each plan longer, fewer leave somebody with nothing."""
    slots = SLOTS
    while slots < SLOTS_A_WORKER * workers and slots < SLOTS_MAX:
        slots *= 2
    return slots


def bitmap(slots: Iterable[int], count: int) -> bytes:
    """Slots as a bit map: bit s%8 of byte s//8."""
    bits = bytearray((count + 7) // 8)
    for slot in slots:
        bits[slot >> 3] |= 1 << (slot & 7)
    return bytes(bits)


def in_bitmap(bits: bytes, slot: int) -> bool:
    """Whether a slot is in a bit map."""
    return bool(bits[slot >> 3] >> (slot & 7) & 1)
