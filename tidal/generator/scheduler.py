"""Which users a generator is to run now, and when that changes next. PURE: time is handed in, greenlets are elsewhere.

    put(share), finish(), ended(key) ──▶ Schedule ──step(redis_ms)──▶ Step(start, stop, wake_ms)

A user is known by its class and its number within the class. A generator runs the users of each curve whose index is
below the curve's count and whose slot it owns. Sorted, the indexes that it owns are a sequence of which the first k
are to run: between two shares only k moves, so a step costs what it changes.
A user that ended by itself comes back later, one after the other, no faster than the ramp (1/s while the plan is flat).
Where Redis' clock goes back (another server took over) nothing changes until a share says when the plan began by it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from typing import TYPE_CHECKING

from tidal.model.plan import Mix, count_at, counts_at, in_bitmap, next_change_ms
from tidal.model.struct import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tidal.model.pipe import SetShare

LOOK_AHEAD_MS = 1_000
"""How far to look for the next change of an own user; with many siblings most changes are theirs."""
SLOPE_MS = 500

Key = tuple[str, int]
"""A user: its class, and its number within the class."""


class Step(Struct, frozen=True):
    """What to do now, and when to ask again (Redis time; None: when something happens)."""

    start: tuple[Key, ...] = ()
    stop: tuple[Key, ...] = ()
    wake_ms: int | None = None


class Owned:
    """The indexes of a curve that lie in the slots of a share, as a sorted sequence without end.

    Args:
        mine: the slots owned, as a bit map.
        slots: how many slots there are.
        first: the slot of index 0.
    """

    def __init__(self, mine: bytes, slots: int, first: int = 0) -> None:
        self._slots = slots
        owned = (slot for slot in range(min(slots, len(mine) * 8)) if in_bitmap(mine, slot))
        self._mine = sorted((slot - first) % slots for slot in owned)

    @property
    def is_empty(self) -> bool:
        """Whether no slot is owned."""
        return not self._mine

    def below(self, count: int) -> int:
        """How many own indexes are below `count`."""
        rounds, rest = divmod(count, self._slots)
        return rounds * len(self._mine) + bisect_left(self._mine, rest)

    def __getitem__(self, position: int) -> int:
        """The own index at a position; there must be slots at all."""
        rounds, rest = divmod(position, len(self._mine))
        return rounds * self._slots + self._mine[rest]


class Lane:
    """A curve's own users in order: the mix, or one class.

    Args:
        name: of the class; "" for the mix.
        mix: of the classes that have no curve of their own.
    """

    def __init__(self, name: str, mix: Mix, owned: Owned) -> None:
        self.name, self._mix, self._owned = name, mix, owned

    def below(self, count: int) -> int:
        """How many own users there are when the curve is at `count`."""
        limit = None if self.name else self._mix.limit
        return self._owned.below(count if limit is None else min(count, limit))

    def user(self, position: int) -> Key:
        """The own user at a position."""
        index = self._owned[position]
        return (self.name, index) if self.name else self._mix.user(index)


class Share:
    """A `SetShare` with what follows from it."""

    def __init__(self, order: SetShare) -> None:
        self.order = order
        names = list(dict.fromkeys(t.name for t in order.tracks if t.unit == "users"))
        mix = Mix(c for c in order.mix if c.name not in names)
        firsts = {c.name: 1 + place for place, c in enumerate(order.mix)} | {"": 0}
        self.lanes = [Lane(n, mix, Owned(order.mine, order.slots, firsts.get(n, 0))) for n in names]

    @property
    def from_ms(self) -> int:
        """When it takes effect, in Redis time."""
        return self.order.began_ms + self.order.from_ms

    @property
    def end_ms(self) -> int | None:
        """When the plan ends, in Redis time."""
        return None if self.order.end_ms is None else self.order.began_ms + self.order.end_ms

    def running(self, redis_ms: int) -> tuple[int, ...]:
        """How many own users of each lane are to run at a moment."""
        if self.end_ms is not None and redis_ms >= self.end_ms:
            return self.nobody
        return self._below(redis_ms - self.order.began_ms)

    @property
    def nobody(self) -> tuple[int, ...]:
        """No user of any lane."""
        return (0,) * len(self.lanes)

    def users(self, positions: Sequence[int]) -> Iterator[Key]:
        """The own users below these positions."""
        for lane, position in zip(self.lanes, positions, strict=True):
            yield from (lane.user(i) for i in range(position))

    def next_change_ms(self, redis_ms: int) -> int | None:
        """When the own number changes next, or when to look again; None: never."""
        plan_ms = redis_ms - self.order.began_ms
        own, at_ms = self._below(plan_ms), plan_ms
        while True:
            change_ms = next_change_ms(self.order.tracks, at_ms)
            if change_ms is None:
                return self._future(redis_ms, self.end_ms)
            if self._below(change_ms) != own or change_ms - plan_ms >= LOOK_AHEAD_MS:
                return self._future(redis_ms, self.end_ms, self.order.began_ms + change_ms)
            at_ms = change_ms

    def is_settled(self, redis_ms: int) -> bool:
        """Whether the plan asks for no further change but its end."""
        return next_change_ms(self.order.tracks, redis_ms - self.order.began_ms) is None

    def pace(self, redis_ms: int) -> float:
        """How many own users a second may come back: the ramp's own pace, at least one."""
        plan_ms = redis_ms - self.order.began_ms
        rise = sum(self._below(plan_ms + SLOPE_MS)) - sum(self._below(plan_ms - SLOPE_MS))
        return max(1.0, rise * 1000 / (2 * SLOPE_MS))

    def _below(self, plan_ms: int) -> tuple[int, ...]:
        counts = counts_at(self.order.tracks, plan_ms)
        return tuple(lane.below(counts.get(lane.name, 0)) for lane in self.lanes)

    @staticmethod
    def _future(redis_ms: int, *moments_ms: int | None) -> int | None:
        return min((m for m in moments_ms if m is not None and m > redis_ms), default=None)


class Schedule:
    """Who runs, who rests, and what is to change."""

    def __init__(self) -> None:
        self._shares: list[Share] = []  # by the moment from which they hold; the first may be the current one
        self._current: Share | None = None
        self._positions: tuple[int, ...] = ()  # so many of each lane's own users are to run
        self._active: set[Key] = set()  # told to run, or resting
        self._resting: deque[Key] = deque()
        self._rested_ms = self._reached_ms = 0
        self.finishing = False

    def __repr__(self) -> str:
        return f"<Schedule {len(self._active)} to run, {len(self._resting)} of them rest, {len(self._shares)} shares>"

    def put(self, order: SetShare) -> None:
        """A new share: it replaces whatever was to hold from its moment on."""
        share = Share(order)
        if self._shares and (back_ms := self._shares[-1].order.began_ms - order.began_ms):
            self._rested_ms, self._reached_ms = self._rested_ms - back_ms, 0
        self._shares = [*(s for s in self._shares if s.from_ms < share.from_ms), share]

    def finish(self) -> None:
        """Nobody is to run any more."""
        self.finishing = True

    def ended(self, key: Key, redis_ms: int) -> None:
        """A user ended by itself: it rests, then comes back."""
        if key in self._active and key not in self._resting:
            if not self._resting:
                self._rested_ms = max(self._rested_ms, redis_ms, self._reached_ms)
            self._resting.append(key)

    @property
    def has_share(self) -> bool:
        """Whether the agent has given any share yet."""
        return bool(self._shares)

    def share_at(self, redis_ms: int) -> Share | None:
        """The share that holds at a moment; older ones are forgotten."""
        while len(self._shares) > 1 and self._shares[1].from_ms <= redis_ms:
            self._shares.pop(0)
        return self._shares[0] if self._shares and self._shares[0].from_ms <= redis_ms else self._current

    def is_over(self, redis_ms: int) -> bool:
        """Whether the plan has come to its end, or was finished."""
        redis_ms = max(redis_ms, self._reached_ms)
        share = self.share_at(redis_ms)
        return self.finishing or (share is not None and share.end_ms is not None and redis_ms >= share.end_ms)

    def is_complete(self, redis_ms: int) -> bool:
        """Whether the plan asks for no further change: everybody who is to run was started."""
        return self._current is not None and self._current.is_settled(redis_ms)

    def wanted(self, redis_ms: int) -> int:
        """How many users the plan wants in the whole fleet."""
        share = self._current
        return count_at(share.order.tracks, redis_ms - share.order.began_ms) if share is not None else 0

    @property
    def own_count(self) -> int:
        """How many users this generator is to run as of the last step, those that rest too."""
        return sum(self._positions)

    @property
    def own_counts(self) -> dict[str, int]:
        """The same by class."""
        return dict(Counter(name for name, _ in self._active))

    def step(self, redis_ms: int, *, alive: bool = True) -> Step:
        """What changes now. Without a living agent nobody is to run."""
        redis_ms = self._reached_ms = max(redis_ms, self._reached_ms)
        share = self.share_at(redis_ms)
        if share is None:
            return Step(wake_ms=min((s.from_ms for s in self._shares), default=None))
        positions = share.running(redis_ms) if alive and not self.finishing else share.nobody
        start, stop = self._shift(positions) if share is self._current else self._replace(share, positions)
        self._resting = deque(key for key in self._resting if key in self._active)
        back = self._wake_resting(share, redis_ms)
        return Step((*start, *back), stop, self._wake_ms(share, redis_ms) if any(positions) or alive else None)

    def _shift(self, positions: tuple[int, ...]) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
        """The same share: some more of its users, or the highest of them go."""
        share, before = self._current, self._positions
        self._positions = positions
        if share is None or positions == before:
            return (), ()
        start: list[Key] = []
        stop: list[Key] = []
        for lane, old, new in zip(share.lanes, before, positions, strict=True):
            start += [lane.user(i) for i in range(old, new)]
            stop += [lane.user(i) for i in reversed(range(new, old))]
        self._active.update(start)
        self._active.difference_update(stop)
        return tuple(start), tuple(stop)

    def _replace(self, share: Share, positions: tuple[int, ...]) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
        """Another share: those that it does not have stop, those that are new start."""
        wanted = list(share.users(positions))
        start = tuple(key for key in wanted if key not in self._active)
        self._current, self._positions, gone = share, positions, self._active.difference(wanted)
        self._active = set(wanted)
        return start, tuple(sorted(gone, key=lambda key: (-key[1], key[0])))

    def _wake_resting(self, share: Share, redis_ms: int) -> tuple[Key, ...]:
        """Those who have rested enough, one after the other."""
        back = []
        interval_ms = 1000 / share.pace(redis_ms) if self._resting else 0
        while self._resting and self._rested_ms + interval_ms <= redis_ms:
            self._rested_ms = int(self._rested_ms + interval_ms)
            back.append(self._resting.popleft())
        return tuple(back)

    def _wake_ms(self, share: Share, redis_ms: int) -> int | None:
        moments_ms = [s.from_ms for s in self._shares if s.from_ms > redis_ms]
        if not self.finishing and (change_ms := share.next_change_ms(redis_ms)) is not None:
            moments_ms.append(change_ms)
        if self._resting:
            moments_ms.append(max(redis_ms + 1, int(self._rested_ms + 1000 / share.pace(redis_ms)) + 1))
        return min(moments_ms, default=None)
