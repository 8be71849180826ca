"""Tickets in a generator: users take one before an iteration begins, and say what became of it."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event as Flag

from tidal.generator.waiting import wait_for
from tidal.model.pipe import WantTickets
from tidal.model.ticketing import Stock
from tidal.model.tickets import RUN

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidal.model.events import Event
    from tidal.model.pipe import TakeTickets
    from tidal.model.tickets import Key


class Tickets:
    """The tickets of this process.

    Args:
        answer: sends a message to the agent.
        per_user: whether each user has a book of its own; else all share the run's.
    """

    def __init__(self, answer: Callable[[Event], None], *, per_user: bool) -> None:
        self._answer, self._per_user = answer, per_user
        self._stocks: dict[Key, Stock] = {}
        self._arrivals: dict[Key, Flag] = {}
        self._changed: set[Key] = set()
        self._life = 0
        self._is_saying = False

    def __repr__(self) -> str:
        return f"<Tickets of {len(self._stocks)} keys>"

    def take(self, user: Any) -> None:
        """A ticket for this user's next iteration; waits for one. A user that waits may be stopped at once."""
        key = (type(user).__name__, user._tidal_number) if self._per_user else RUN  # noqa: SLF001 - tidal's own
        while True:
            stock = self._stocks.setdefault(key, Stock())
            if stock.take(time.monotonic()):
                user._ticket = (key, stock)  # noqa: SLF001 - tidal's own
                self._ask(key, stock)
                return
            self._wait(key, stock, user)

    def ended(self, user: Any, *, is_done: bool) -> None:
        """The iteration has ended; one that was cut off puts its ticket back."""
        ticket, user._ticket = user._ticket, None  # noqa: SLF001 - tidal's own
        if ticket is None:
            return
        key, stock = ticket
        if is_done:
            stock.done += 1
        else:
            stock.used -= 1
        if self._stocks.get(key) is stock:  # else the worker was declared lost meanwhile, and its tickets with it
            self._changed.add(key)
            self._say_soon()

    def left(self, key: Key, *, is_last: bool) -> None:
        """A user has gone: what it had is for others. Of the run's tickets, when it was the last one here."""
        if not self._per_user and not is_last:
            return
        key = key if self._per_user else RUN
        stock = self._stocks.get(key)
        if stock is not None and stock.give_back():
            self._changed.add(key)
            self._say_soon()

    def order(self, order: TakeTickets) -> None:
        """The agent's word: tickets, or that all of them are gone with the worker's old life."""
        if order.life != self._life:
            self._life = order.life
            self._stocks.clear()
            self._changed.clear()
            self._wake(list(self._arrivals))
        for name, number, given in order.rows:
            stock = self._stocks.get((name, number))
            if stock is not None:
                stock.given = max(stock.given, given)
                if stock.is_idle and stock.give_back():
                    self._changed.add((name, number))
                    self._say_soon()
        self._wake([(name, number) for name, number, _ in order.rows])

    def give_back(self) -> None:
        """All users have gone."""
        for key, stock in self._stocks.items():
            if stock.give_back():
                self._changed.add(key)
        self.say()

    def say(self) -> None:
        """Tell the agent what has changed."""
        self._is_saying = False
        changed, self._changed = sorted(self._changed), set()
        if changed:
            self._answer(WantTickets(self._life, tuple(self._stocks[key].row(key) for key in changed)))

    def _say_soon(self) -> None:
        """Once everybody who acts at this moment has."""
        if not self._is_saying:
            self._is_saying = True
            gevent.spawn(self.say)

    def _ask(self, key: Key, stock: Stock) -> None:
        if stock.wants_more():
            self._changed.add(key)
            self._say_soon()

    def _wait(self, key: Key, stock: Stock, user: Any) -> None:
        wait_for(self._arrivals.setdefault(key, Flag()), stock, user, partial(self._ask, key, stock))

    def _wake(self, keys: list[Key]) -> None:
        for key in keys:
            self._arrivals.pop(key, Flag()).set()
