"""Users that wait between two tasks: all who are due in the same millisecond share one timer.

    rest(seconds) ──▶ the bucket of a millisecond ──one timer, for the next bucket──▶ each in it is switched to

`gevent.sleep` makes a timer, a waiter and what links them for each sleep, and takes them down again. A user's wait
needs none of that. Who is due in the same millisecond is woken with the last of them: no wait is shorter than it was
asked to be, and epoll counts in milliseconds anyway (docs/decisions/0089).

Whatever interrupts a wait (a kill, a stop, a `Timeout` of the file's own) is raised in it, as in any sleep, and takes
the greenlet out of its bucket.
"""

from __future__ import annotations

import sys
from heapq import heapify, heappop, heappush
from time import monotonic
from typing import Any

import gevent
from gevent import get_hub, getcurrent
from gevent.exceptions import InvalidSwitchError

from tidal.generator.scopes import current

LONGEST_S = 1e9
"""Whoever waits longer (`inf`) does so by a timer of its own."""
AT_ONCE_S = 0.005
"""Waking goes on for so long before the network has its turn; gevent gives its own callbacks as much."""
SPARE_TICKS = 256
"""So many emptied milliseconds may be left in the heap."""


class Sleepers:
    """Who sleeps in the event loop of one thread.

    Args:
        hub: the greenlet of that event loop.
    """

    __slots__ = ("_armed", "_buckets", "_due", "_hub", "_ticks", "_timer", "_until_s", "_waking")

    def __init__(self, hub: Any) -> None:
        self._hub = hub
        self._buckets: dict[int, dict[Any, None]] = {}  # by the ms in which they are due: the sleepers, as they came
        self._until_s: dict[int, float] = {}  # by the same: when the last of them is due
        self._ticks: list[int] = []  # a heap of the buckets' ms, and of some that were emptied
        self._waking: dict[Any, None] = {}  # a bucket whose sleepers are being woken
        self._due: list[Any] = []  # who was in it: the last one is next
        self._armed = sys.maxsize  # the ms that the timer is for
        self._timer: Any = None

    def __repr__(self) -> str:
        number = sum(map(len, self._buckets.values())) + len(self._waking)
        return f"<Sleepers {number} in {len(self._buckets)} buckets>"

    def sleep(self, seconds: float) -> None:
        """Let the greenlet here sleep for so long (above 0)."""
        due_s = monotonic() + float(seconds)
        tick = int(due_s * 1000)
        bucket = self._buckets.get(tick)
        if bucket is None:
            bucket = self._buckets[tick] = {}
            self._until_s[tick] = due_s
            heappush(self._ticks, tick)
            if tick < self._armed:
                self._arm(tick, due_s)
        elif due_s > self._until_s[tick]:
            self._until_s[tick] = due_s
        me = getcurrent()
        bucket[me] = None
        woken = None
        try:
            woken = self._hub.switch()
        finally:
            if woken is not self:
                self._forget(me, bucket, tick)
        if woken is not self:
            raise InvalidSwitchError(f"{me!r} was switched to while it slept")

    def _forget(self, sleeper: Any, bucket: dict[Any, None], tick: int) -> None:
        """It does not sleep any more."""
        bucket.pop(sleeper, None)
        if not bucket and self._buckets.get(tick) is bucket:
            del self._buckets[tick], self._until_s[tick]
            if len(self._ticks) > 2 * len(self._buckets) + SPARE_TICKS:
                self._ticks[:] = self._buckets
                heapify(self._ticks)

    def _arm(self, tick: int, due_s: float) -> None:
        """Set the timer for a bucket."""
        if self._timer is not None:
            self._timer.close()
        self._armed = tick
        self._timer = self._hub.loop.timer(max(0.0, due_s - monotonic()))
        self._timer.start(self._wake, update=True)  # from now on, not from when the loop last looked

    def _wake(self) -> None:
        """The timer's moment, or the next turn of what was due at it: called by the event loop."""
        now_s = monotonic()
        self._armed = -1  # nobody who goes to sleep meanwhile needs to set it
        try:
            while (self._due or self._take(now_s)) and monotonic() < now_s + AT_ONCE_S:
                sleeper = self._due.pop()
                if sleeper in self._waking:  # nothing has interrupted its sleep
                    del self._waking[sleeper]
                    self._switch(sleeper)
        finally:
            self._go_on()

    def _take(self, now_s: float) -> bool:
        """Take the next bucket, if all in it are due."""
        while self._ticks:
            tick = self._ticks[0]
            if tick in self._buckets:
                if self._until_s[tick] > now_s:
                    return False
                self._waking = self._buckets.pop(tick)
                self._due = [*reversed(self._waking)]
                del self._until_s[tick]
            heappop(self._ticks)
            if self._due:
                return True
        return False

    def _switch(self, sleeper: Any) -> None:
        try:
            sleeper.switch(self)
        except BaseException:  # noqa: BLE001 - what a bare greenlet ends with; the others are woken all the same
            self._hub.handle_error(sleeper, *sys.exc_info())

    def _go_on(self) -> None:
        """Set the timer for who is next."""
        self._armed = sys.maxsize
        if self._due:
            self._arm(-1, 0.0)
        elif self._ticks:
            tick = self._ticks[0]
            self._arm(tick, self._until_s.get(tick, tick / 1000))


def rest(seconds: float) -> None:
    """Let the user here wait: others run meanwhile, for 0 seconds too."""
    scope = current()
    if not 0 < seconds < LONGEST_S or (scope is not None and scope.run is not None):
        gevent.sleep(seconds if seconds > 0 else 0.0)  # as it is now: it tells transactions
        return
    hub: Any = get_hub()
    try:
        sleepers = hub.tidal_sleepers
    except AttributeError:
        sleepers = hub.tidal_sleepers = Sleepers(hub)
    sleepers.sleep(seconds)
