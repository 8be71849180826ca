"""Tickets on their way: a generator's stock of them, and an agent's desk between its generators and the master. PURE.

Both speak in totals of one life that only rise (`tidal.model.tickets`), so it does not matter how often or when a word
is said. A stock is kept a second ahead of its use: what is in it when a process dies is unknown with the rest, and what
is not in it must be waited for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.events import TicketsWanted
from tidal.model.pipe import TakeTickets, WantTickets
from tidal.model.struct import Struct, field
from tidal.model.tickets import ROWS_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidal.model.tickets import Key

AHEAD_S = 1
"""A stock is to last for so long at the pace of the last seconds; it is filled up when half of that is left."""


class Stock(Struct):
    """A generator's tickets of one key.

    Attributes:
        given: by the agent, so far.
        used: begun with, and not put back.
        waiting: users that have none.
    """

    given: int = 0
    used: int = 0
    returned: int = 0
    done: int = 0
    upto: int = 0
    waiting: int = 0
    is_idle: bool = False  # nobody here uses it: what comes goes back
    _second: int = 0
    _counts: tuple[int, int] = (0, 0)  # used in this second, and in the one before

    @property
    def here(self) -> int:
        """How many can be used now."""
        return self.given - self.used - self.returned

    def take(self, now_s: float) -> bool:
        """Use one, if there is one."""
        self.is_idle = False
        if self.here <= 0:
            return False
        self.used += 1
        second = int(now_s)
        if second != self._second:
            self._counts = (0, self._counts[0] if second == self._second + 1 else 0)
            self._second = second
        self._counts = (self._counts[0] + 1, self._counts[1])
        return True

    def wants_more(self) -> bool:
        """Whether to ask for more now; if so, `upto` says how many in all."""
        ahead = self.waiting + max(1, AHEAD_S * max(self._counts))
        if self.here * 2 > ahead:
            return False
        upto = self.used + self.returned + ahead
        if upto <= self.upto:
            return False
        self.upto = upto
        return True

    def give_back(self) -> bool:
        """Nobody uses it: all that is here, and that comes, is others'; whether there was anything."""
        self.is_idle = True
        here = max(0, self.here)
        self.returned += here
        return here > 0

    def row(self, key: Key) -> tuple[str, int, int, int, int]:
        """For the agent: class, number, to be given, given back, ended."""
        return (*key, self.upto, self.returned, self.done)


class Held(Struct):
    """What an agent knows of one generator's tickets of one key."""

    upto: int = 0
    returned: int = 0
    done: int = 0
    given: int = 0


class Account(Struct):
    """An agent's tickets of one key, in one incarnation."""

    lent: int = 0
    upto: int = 0
    returned: int = 0
    spent: int = 0  # by generators that died: ended there, or lost with them
    done: int = 0  # by generators that died
    lost: int = 0
    held: dict[int, Held] = field(default_factory=dict)  # by generator
    told: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def pool(self) -> int:
        """What nobody has."""
        out = sum(held.given - held.returned for held in self.held.values())
        return self.lent - self.returned - self.spent - out

    @property
    def demand(self) -> int:
        """How many the generators lack."""
        return sum(max(0, held.upto - held.given) for held in self.held.values())

    def totals(self) -> tuple[int, int, int, int]:
        """For the master: to be lent, given back, ended, lost."""
        pool, demand = self.pool, self.demand
        if not demand and pool > 0:
            self.returned += pool  # nobody here needs it
        self.upto = max(self.upto, self.lent + max(0, demand - max(0, pool)))
        done = self.done + sum(held.done for held in self.held.values())
        return self.upto, self.returned, done, self.lost


class Desk:
    """The tickets of one worker in a run."""

    def __init__(self) -> None:
        self._accounts: dict[Key, Account] = {}
        self._strangers: set[int] = set()  # generators that do not know of this life yet
        self.life = 0  # counts the incarnations: words of an older one are not heard

    def __repr__(self) -> str:
        return f"<Desk of {len(self._accounts)} keys, life {self.life}>"

    def heard(self, number: int, want: WantTickets) -> None:
        """A generator says what it wants and what it has done."""
        if want.life != self.life:
            self._strangers.add(number)
            return
        for name, which, upto, returned, done in want.rows:
            held = self._accounts.setdefault((name, which), Account()).held.setdefault(number, Held())
            held.upto, held.done = max(held.upto, upto), min(max(held.done, done), held.given)
            held.returned = min(max(held.returned, returned), held.given - held.done)

    def died(self, number: int) -> None:
        """A generator is gone: what it had and did not say to have ended is lost with it."""
        self._strangers.discard(number)
        for account in self._accounts.values():
            held = account.held.pop(number, None)
            if held is not None:
                account.spent += held.given - held.returned
                account.done += held.done
                account.lost += held.given - held.returned - held.done

    def orders(self, lent: Mapping[Key, tuple[int, int]]) -> list[tuple[int, TakeTickets]]:
        """What the log has lent, handed on to those who want it."""
        rows: dict[int, list[tuple[str, int, int]]] = {number: [] for number in self._strangers}
        self._strangers.clear()
        for key, account in self._accounts.items():
            account.lent = max(account.lent, lent.get(key, (0, 0))[0])
            asking = [number for number, held in account.held.items() if held.upto > held.given]
            for place, number in enumerate(asking):
                held = account.held[number]
                given = min(held.upto - held.given, -(-account.pool // (len(asking) - place)))
                if given > 0:
                    held.given += given
                    rows.setdefault(number, []).append((*key, held.given))
        return [(number, TakeTickets(self.life, tuple(told))) for number, told in rows.items()]

    def wishes(self) -> list[TicketsWanted]:
        """What the master is to know, as far as it has changed."""
        rows = []
        for key, account in self._accounts.items():
            totals = account.totals()
            if totals != account.told:
                account.told = totals
                rows.append((*key, *totals))
        return [TicketsWanted(tuple(rows[i : i + ROWS_MAX])) for i in range(0, len(rows), ROWS_MAX)]

    def reborn(self, numbers: list[int]) -> list[tuple[int, TakeTickets]]:
        """The worker was declared lost, and all that it had with it: its generators begin with nothing."""
        self._accounts.clear()
        self.life += 1
        return [(number, TakeTickets(self.life, ())) for number in numbers]
