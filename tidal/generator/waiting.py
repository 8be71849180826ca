"""Users that wait for what the agent hands out: positions of feeds, tickets for iterations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidal.flow import WAITING

if TYPE_CHECKING:
    from collections.abc import Callable

    from gevent.event import Event as Flag


def wait_for(flag: Flag, stock: Any, user: Any, ask: Callable[[], None]) -> None:
    """Let a user wait for the flag, counted in its stock before more is asked for; it may be stopped at once."""
    stock.waiting += 1
    ask()
    before, user._state = user._state, WAITING  # noqa: SLF001 - Locust's private name
    try:
        flag.wait()
    finally:
        stock.waiting -= 1
        if user._state == WAITING:  # noqa: SLF001 - the same
            user._state = before  # noqa: SLF001 - the same
