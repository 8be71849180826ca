"""Where positions of counters come from in this process: from the agent by the pipe, else from the process itself."""

from __future__ import annotations

import time
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from gevent.event import Event as Flag

from tidal.flow import LocustError
from tidal.generator.waiting import wait_for
from tidal.model.pipe import WantBlock
from tidal.model.tenant import Stock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tidal.model.events import Event
    from tidal.model.pipe import TakeBlock


class Source(Protocol):
    """Hands out the positions of counters, each once in a run."""

    run: str

    def position(self, counter: str, size: int, user: Any) -> int | None:
        """The next position, for this user; None when there is none left. The user may wait for it."""


class LocalSource:
    """For a script, a debugger or a test: everything is in this process."""

    def __init__(self) -> None:
        self.run = ""
        self._counters: dict[str, Iterator[int]] = {}

    def position(self, counter: str, size: int, user: Any) -> int | None:
        """The next position; None when there is none left."""
        del user
        position = next(self._counters.setdefault(counter, count()))
        return position if not size or position < size else None


class PipeSource:
    """A generator's: positions are lent to it in blocks, some time ahead.

    Args:
        run: the run's id.
        answer: sends a message to the agent.
    """

    def __init__(self, run: str, answer: Callable[[Event], None]) -> None:
        self.run = run
        self._answer = answer
        self._stocks: dict[str, Stock] = {}
        self._arrivals: dict[str, Flag] = {}

    def position(self, counter: str, size: int, user: Any) -> int | None:
        """The next position; waits cooperatively for it. A user that waits may be stopped at once, as between tasks."""
        stock = self._stocks.setdefault(counter, Stock(size))
        if stock.size != size:
            raise LocustError(f"two feeds are called {counter.partition(':')[2]!r} and differ: give one another name")
        while True:
            position = stock.take(time.monotonic())
            self._ask(counter, stock)
            if position is not None or stock.is_over:
                return position
            self._wait(counter, stock, user)

    def _ask(self, counter: str, stock: Stock) -> None:
        if wish := stock.wish():
            self._answer(WantBlock(counter, wish, stock.size, stock.spans))

    def _wait(self, counter: str, stock: Stock, user: Any) -> None:
        wait_for(self._arrivals.setdefault(counter, Flag()), stock, user, partial(self._ask, counter, stock))

    def take(self, order: TakeBlock) -> None:
        """The agent's answer: whoever waits looks again."""
        stock = self._stocks.get(order.counter)
        if stock is not None:
            stock.put(order)
            self._arrivals.pop(order.counter, Flag()).set()

    def give_back(self) -> None:
        """The users have stopped: what they have not used is for others."""
        for counter, stock in self._stocks.items():
            self._answer(WantBlock(counter, 0, stock.size, stock.give_back()))


def source_of(environment: Any) -> Source:
    """The environment's source of positions; one of its own when it belongs to no run of ours."""
    source: Source | None = getattr(environment, "feed_source", None)
    if source is None:
        source = environment.feed_source = LocalSource()
    return source
