"""What a worker does with the positions that it is lent: the agent's side and a generator's. PURE.

    generator: Stock ──WantBlock──▶ agent: Tenant ──BlockWanted──▶ reports ──▶ master: decide ─┐
               Stock ◀──TakeBlock──        Tenant ◀──BlockLeased── log ◀──────────────────────┘

A generator keeps positions ahead for as long as they last at the pace of their use, and asks before they run out. Both
sides of the pipe take turns: a generator asks again only when it was answered, so what it says it holds is all that
the agent has ever given it and that is not used. A generator whose users have stopped gives back what is left.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from tidal.model.events import BlockWanted
from tidal.model.pipe import TakeBlock, WantBlock
from tidal.model.spans import Spans, first_of, merged, total, without

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.leases import LeaseRecord
    from tidal.model.state import LogHalf

AHEAD_S = 10
"""Positions are kept for so long: a master's successor is there by then."""
AHEAD_MIN = 4
LEAST_SHARE = 2
"""A new block is asked for when less than one part in so many of what is to be kept is left."""


class Stock:
    """A generator's positions of one counter.

    Attributes:
        waiting: how many users wait for one.
        is_over: there are no more than these.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.waiting = 0
        self.is_over = False
        self._is_asked = False
        self._spans: deque[tuple[int, int]] = deque()
        self._second, self._used, self._used_before = 0, 0, 0

    def __repr__(self) -> str:
        return f"<Stock of {total(self._spans)}, {self.waiting} wait>"

    @property
    def spans(self) -> Spans:
        """The positions that are here."""
        return merged(self._spans)

    def take(self, now_s: float) -> int | None:
        """The next position, used now; None when there is none here."""
        if not self._spans:
            return None
        first, count = self._spans.popleft()
        if count > 1:
            self._spans.appendleft((first + 1, count - 1))
        self._count(now_s)
        return first

    def _count(self, now_s: float) -> None:
        second = int(now_s)
        if second != self._second:
            self._used_before = self._used if second == self._second + 1 else 0
            self._second, self._used = second, 0
        self._used += 1

    def wish(self) -> int:
        """How many to ask for now; 0: none."""
        if self._is_asked or self.is_over:
            return 0
        ahead = max(AHEAD_MIN, AHEAD_S * max(self._used, self._used_before))
        here = total(self._spans) - self.waiting
        if here * LEAST_SHARE >= ahead:
            return 0
        self._is_asked = True
        return ahead - here

    def give_back(self) -> Spans:
        """All that is here, which is here no more."""
        spans = self.spans
        self._spans.clear()
        return spans

    def put(self, order: TakeBlock) -> None:
        """The agent's answer, or its word that all that is here is lost."""
        if order.drops:
            self._spans.clear()
            return
        self._is_asked = False
        if order.count:
            self._spans.append((order.first, order.count))
        else:
            self.is_over = True


class Tenant:
    """An agent's positions of one counter: what nobody has yet, and what each generator has."""

    def __init__(self, counter: str, size: int) -> None:
        self.counter, self.size = counter, size
        self._pool: Spans = ()
        self._given: dict[int, Spans] = {}  # by generator
        self._pending: dict[int, int] = {}  # generator → how many it asks for
        self._lost: Spans = ()
        self._told: Spans = ()  # what was lost as of the last wish
        self._ask = self._seen = self._reached = 0
        self._is_asked = self._is_over = False

    def __repr__(self) -> str:
        return f"<Tenant of {self.counter}: {total(self._pool)} here, {len(self._pending)} ask>"

    def asked(self, number: int, want: WantBlock) -> None:
        """A generator says what it holds, and what more it needs; when that is nothing, it gives all back."""
        self._given[number] = want.held if want.count else ()
        if want.count:
            self._pending[number] = want.count
        else:
            self._pool = merged(self._pool, want.held)

    def died(self, number: int) -> None:
        """A generator is gone with what it held."""
        self._lost = merged(self._lost, self._given.pop(number, ()))
        self._pending.pop(number, None)

    def take(self, lease: LeaseRecord | None) -> None:
        """See whether the wish was answered."""
        if lease is None or not self._is_asked or lease.ask != self._ask:
            return
        self._is_asked, self._seen, self._lost = False, lease.ask, without(self._lost, self._told)
        if lease.count:
            self._pool = merged(self._pool, ((lease.first, lease.count),))
            self._reached = max(self._reached, lease.first + lease.count)
        else:
            self._is_over = True

    def share(self) -> Iterator[tuple[int, TakeBlock]]:
        """Blocks for the generators that ask, as evenly as there is."""
        while self._pending and (self._pool or self._is_over):
            number = min(self._pending)
            fair = -(-total(self._pool) // len(self._pending))
            block = first_of(self._pool, min(self._pending.pop(number), fair))[:1]
            self._pool = without(self._pool, block)
            self._given[number] = merged(self._given.get(number, ()), block)
            first, count = block[0] if block else (0, 0)
            yield number, TakeBlock(self.counter, first, count)

    def wish(self) -> BlockWanted | None:
        """What to ask the master for now."""
        if not self._pending or self._is_asked or self._is_over:
            return None
        self._is_asked = True
        return self._say(sum(self._pending.values()))

    def _say(self, count: int, *, is_last: bool = False) -> BlockWanted:
        self._ask, self._told = self._ask + 1, self._lost
        held = merged(self._pool, *self._given.values())
        return BlockWanted(
            self.counter, self._ask, count, self.size, held, self._lost, self._reached, is_last, self._seen
        )

    def farewell(self) -> BlockWanted:
        """The last word: what nobody has used can be lent again."""
        return self._say(0, is_last=True)

    def reborn(self) -> Iterator[tuple[int, TakeBlock]]:
        """The worker was declared lost, and all that it held with it: a new life begins with nothing."""
        yield from ((number, TakeBlock(self.counter, 0, 0, drops=True)) for number in self._given)
        self._pool, self._lost, self._ask, self._seen, self._is_asked = (), (), 0, 0, False
        self._given.clear()


class Tenants:
    """All counters of a worker in a run."""

    def __init__(self) -> None:
        self._tenants: dict[str, Tenant] = {}

    def __repr__(self) -> str:
        return f"<Tenants {list(self._tenants.values())}>"

    def asked(self, number: int, want: WantBlock) -> None:
        """A generator says what it holds of a counter, and what more it needs."""
        self._tenants.setdefault(want.counter, Tenant(want.counter, want.size)).asked(number, want)

    def died(self, number: int) -> None:
        """A generator is gone."""
        for tenant in self._tenants.values():
            tenant.died(number)

    def orders(self, log: LogHalf, incarnation: str) -> list[tuple[int, TakeBlock]]:
        """What the generators are to be given now: number, order."""
        found: list[tuple[int, TakeBlock]] = []
        for tenant in self._tenants.values():
            record = log.counters.get(tenant.counter)
            tenant.take(record.leases.get(incarnation) if record is not None else None)
            found += tenant.share()
        return found

    def wishes(self) -> list[BlockWanted]:
        """What to ask the master for now."""
        return [wish for tenant in self._tenants.values() if (wish := tenant.wish()) is not None]

    def farewells(self) -> list[BlockWanted]:
        """The last words of a worker whose users have stopped."""
        return [tenant.farewell() for tenant in self._tenants.values()]

    def reborn(self) -> list[tuple[int, TakeBlock]]:
        """What the generators are told when the worker was declared lost."""
        return [order for tenant in self._tenants.values() for order in tenant.reborn()]
