"""Which arrivals this generator is to begin by now, and when the next one is due. PURE: time is handed in.

    put(share), skip(now) ──▶ Timetable ──due(now)──▶ [Arrival(name, index, due_us) …], next_us() ──▶ when to ask again

Arrivals of a curve have indexes; index k lies in a slot as user k does, and whoever owns that slot by the plan in force
when it is due begins it. Time is cut into windows: what is due in one is handed out by the share that holds in it, in
the own slots, and never again. A share that comes after the moment from which it holds gains, of the windows that are
over, what lies in slots that were not own before; the others have their arrivals behind them, whatever the new curve
says of these indexes. So a change moves only later arrivals, and none is begun twice here.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from tidal.generator.scheduler import Owned
from tidal.model.arrivals import arrivals_of
from tidal.model.struct import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tidal.model.events import ClassSpec, Track
    from tidal.model.pipe import SetShare

UNIT = "arrivals/s"
GOLDEN = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio: its multiples spread over the whole as evenly as can be."""
_WHOLE = 1 << 64
PAST_US = 60_000_000
"""How long it is remembered what was served when: a share comes late by the time that an agent may be silent."""


class Arrival(Struct, frozen=True):
    """One iteration that is to begin."""

    name: str  # of the user's class
    index: int  # within its curve
    due_us: int  # Redis time


class Draw:
    """Which class each arrival of the mix is of: by weight, evenly, the same on every machine, without counting.

    A fixed count is a number of users: a class that has one takes no part.
    """

    def __init__(self, classes: Iterable[ClassSpec]) -> None:
        classes = sorted(classes, key=lambda c: c.name)
        weights = [(c.name, Fraction(c.weight)) for c in classes if c.weight > 0 and c.fixed_count <= 0]
        total = sum((weight for _, weight in weights), Fraction(0))
        self._ends: list[tuple[int, str]] = []
        reached = Fraction(0)
        for name, weight in weights:
            reached += weight
            self._ends.append((int(reached / total * _WHOLE), name))

    @property
    def is_empty(self) -> bool:
        """Whether no class takes part."""
        return not self._ends

    def name(self, index: int) -> str:
        """The class of an arrival."""
        place = index * GOLDEN % _WHOLE
        return next(name for end, name in self._ends if place < end)


class Lane:
    """One curve's own arrivals under one share."""

    def __init__(self, track: Track, order: SetShare, first: int, draw: Draw | None) -> None:
        self.track, self.owned = track, Owned(order.mine, order.slots, first)
        self._first, self._slots, self._draw = first, order.slots, draw
        self._arrivals = arrivals_of(track, order.end_ms, order.spacing, order.seed)
        self._began_us = order.began_ms * 1000

    def before(self, redis_us: int) -> int:
        """How many arrivals of the curve, anybody's, are due before a moment."""
        return self._arrivals.count_before(redis_us - self._began_us)

    def between(self, low: int, high: int) -> Iterator[Arrival]:
        """The own arrivals with these indexes."""
        if self.owned.is_empty:
            return
        for position in range(self.owned.below(low), self.owned.below(high)):
            index = self.owned[position]
            due_us = self._arrivals.due_us(index)
            if due_us is not None:
                name = self.track.name or self._draw.name(index)  # type: ignore[union-attr] # the mix has one
                yield Arrival(name, index, self._began_us + due_us)

    def next_us(self, low: int) -> int | None:
        """When the first own arrival from an index on is due."""
        if self.owned.is_empty:
            return None
        due_us = self._arrivals.due_us(self.owned[self.owned.below(low)])
        return None if due_us is None else self._began_us + due_us

    def slot(self, index: int) -> int:
        """The slot that an arrival lies in."""
        return (index + self._first) % self._slots


class Share:
    """A `SetShare` with what follows from it for arrivals."""

    def __init__(self, order: SetShare) -> None:
        self.order = order
        self.from_us = (order.began_ms + order.from_ms) * 1000
        own_curves = {t.name for t in order.tracks}
        draw = Draw(c for c in order.mix if c.name not in own_curves)
        firsts = {c.name: 1 + place for place, c in enumerate(order.mix)} | {"": 0}
        self.lanes = [
            Lane(track, order, firsts.get(track.name, 0), draw if not track.name else None)
            for track in order.tracks
            if track.unit == UNIT and (track.name or not draw.is_empty)
        ]

        self.mine = int.from_bytes(order.mine, "little")  # bit s: slot s


class Window(Struct):
    """Time that is over, and the slots that were served in it (bit s: slot s)."""

    from_us: int
    to_us: int
    served: int


class Timetable:
    """What was handed out, and what is to come."""

    def __init__(self) -> None:
        self._shares: list[Share] = []  # those to come, by the moment from which they hold
        self._current: Share | None = None
        self._reached_us = 0  # everything own that was due before this moment was handed out
        self._begun: dict[str, int] = {}  # curve → below this index nothing is handed out any more
        self._past: list[Window] = []  # of the last PAST_US

    def __repr__(self) -> str:
        return f"<Timetable up to {self._reached_us}, {self._begun}>"

    @property
    def current(self) -> Share | None:
        """The share that held in the last window."""
        return self._current

    def put(self, order: SetShare) -> None:
        """A new share: it replaces whatever was to hold from its moment on."""
        share = Share(order)
        self._shares = [*(s for s in self._shares if s.from_us < share.from_us), share]

    def due(self, redis_us: int) -> list[Arrival]:
        """All own arrivals that are due by now and were not handed out, in order."""
        found: list[Arrival] = []
        until_us = redis_us + 1
        while self._shares and self._shares[0].from_us < until_us:
            share = self._shares.pop(0)
            found += self._window(share.from_us)
            found += self._enter(share)
        found += self._window(until_us)
        return sorted(found, key=lambda arrival: arrival.due_us)

    def skip(self, redis_us: int) -> None:
        """What was due until now is others', or nobody's."""
        self.due(redis_us)

    def next_us(self) -> int | None:
        """When the next own arrival is due, or another share holds; None: never, as far as is known."""
        moments = [s.from_us for s in self._shares[:1]]
        if self._current is not None:
            for lane in self._current.lanes:
                next_us = lane.next_us(self._low(lane))
                moments += [next_us] if next_us is not None else []
        return min(moments, default=None)

    def _window(self, until_us: int) -> list[Arrival]:
        """What is due up to a moment by the share that holds."""
        if self._current is None or until_us <= self._reached_us:
            return []
        found: list[Arrival] = []
        for lane in self._current.lanes:
            low, high = self._low(lane), lane.before(until_us)
            found += lane.between(low, high)
            self._begun[lane.track.name] = max(low, high)
        self._note_window(self._reached_us, until_us, self._current.mine)
        self._reached_us = until_us
        return found

    def _note_window(self, from_us: int, to_us: int, served: int) -> None:
        last = self._past[-1] if self._past else None
        if last is not None and last.served == served and last.to_us == from_us:
            last.to_us = to_us
        else:
            self._past.append(Window(from_us, to_us, served))
        while self._past[0].to_us < to_us - PAST_US:
            self._past.pop(0)

    def _low(self, lane: Lane) -> int:
        """The first index that was not handed out."""
        return max(self._begun.get(lane.track.name, 0), lane.before(self._reached_us))

    def _enter(self, share: Share) -> list[Arrival]:
        """Another share holds from now on; of what is over by now it brings what lies in slots that were not served."""
        if self._current is None:
            self._reached_us = max(self._reached_us, share.from_us)
        else:
            self._shift((share.order.began_ms - self._current.order.began_ms) * 1000)
        self._current = share
        found: list[Arrival] = []
        past, self._past = self._past, []
        for window in past:
            middle_us = min(max(window.from_us, share.from_us), window.to_us)
            if window.from_us < middle_us:
                self._past.append(Window(window.from_us, middle_us, window.served))
            if middle_us < window.to_us:
                found += self._missed(share, Window(middle_us, window.to_us, window.served))
                self._past.append(Window(middle_us, window.to_us, window.served | share.mine))
        return found

    def _shift(self, by_us: int) -> None:
        """Plan time lies elsewhere in Redis time: another server's clock."""
        self._reached_us += by_us
        self._past = [Window(w.from_us + by_us, w.to_us + by_us, w.served) for w in self._past]

    @staticmethod
    def _missed(share: Share, window: Window) -> list[Arrival]:
        """What was due in a window in slots of a share that were not served in it."""
        if not share.mine & ~window.served:
            return []
        return [
            arrival
            for lane in share.lanes
            for arrival in lane.between(lane.before(window.from_us), lane.before(window.to_us))
            if not window.served >> lane.slot(arrival.index) & 1
        ]
