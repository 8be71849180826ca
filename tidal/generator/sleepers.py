"""Users that wait between two tasks: all who are due in the same millisecond share one timer.

    rest(seconds) ──▶ the bucket of a millisecond ──one timer, for the next bucket──▶ each in it is switched to

`gevent.sleep` makes a timer, a waiter and what links them for each sleep, and takes them down again. A user's wait
needs none of that. Who is due in the same millisecond is woken with the last of them: no wait is shorter than it was
asked to be, and epoll counts in milliseconds anyway (docs/decisions/0089).

Who waits for 0 seconds is switched to by the loop's next turn.

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
_FIRST = 2
"""Where a bucket's sleepers begin: before them stand the moment at which the last is due, and how many are gone."""


class Sleepers:
    """Who sleeps in the event loop of one thread.

    Args:
        hub: the greenlet of that event loop.
    """

    __slots__ = ("_armed", "_buckets", "_due", "_hub", "_next", "_ticks", "_timer")

    def __init__(self, hub: Any) -> None:
        self._hub = hub
        self._buckets: dict[int, list[Any]] = {}  # by the ms in which they are due
        self._ticks: list[int] = []  # a heap of the buckets' ms, and of some that were emptied
        self._due: list[Any] = []  # a bucket that is being woken
        self._next = 0  # the place of who is next in it
        self._armed = sys.maxsize  # the ms that the timer is for
        self._timer: Any = None

    def __repr__(self) -> str:
        number = sum(len(bucket) - _FIRST - bucket[1] for bucket in self._buckets.values())
        return f"<Sleepers {number} in {len(self._buckets)} buckets>"

    def sleep(self, seconds: float) -> None:
        """Let the greenlet here sleep for so long (above 0)."""
        due_s = monotonic() + float(seconds)
        tick = int(due_s * 1000)
        bucket = self._buckets.get(tick)
        if bucket is None:
            bucket = self._buckets[tick] = [due_s, 0]
            heappush(self._ticks, tick)
            if tick < self._armed:
                self._arm(tick, due_s)
        elif due_s > bucket[0]:
            bucket[0] = due_s
        me, place = getcurrent(), len(bucket)
        bucket.append(me)
        woken = None
        try:
            woken = self._hub.switch()
        finally:
            if woken is not self:
                self._forget(bucket, place, tick)
        if woken is not self:
            raise InvalidSwitchError(f"{me!r} was switched to while it slept")

    def pause(self) -> None:
        """Let the others have their turn: `gevent.sleep(0)` without its waiter."""
        turn = self._hub.loop.run_callback(getcurrent().switch, self)
        try:
            woken = self._hub.switch()
        except BaseException:
            turn.stop()
            raise
        if woken is not self:
            turn.stop()
            raise InvalidSwitchError(f"{getcurrent()!r} was switched to while it paused")

    def _forget(self, bucket: list[Any], place: int, tick: int) -> None:
        """Who has this place in a bucket does not sleep any more."""
        bucket[place] = None
        bucket[1] += 1
        if bucket[1] == len(bucket) - _FIRST and self._buckets.get(tick) is bucket:
            del self._buckets[tick]
            if len(self._ticks) > 2 * len(self._buckets) + SPARE_TICKS:
                self._ticks[:] = self._buckets
                heapify(self._ticks)
            if not self._buckets and self._armed >= 0:
                self._disarm()  # nobody is left, and a timer keeps the loop from its end

    def _disarm(self) -> None:
        self._ticks.clear()
        self._armed = sys.maxsize
        self._timer.close()
        self._timer = None

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
            while (self._next < len(self._due) or self._take(now_s)) and monotonic() < now_s + AT_ONCE_S:
                sleeper, self._due[self._next] = self._due[self._next], None
                self._next += 1
                if sleeper is None:  # its sleep was interrupted
                    continue
                try:
                    sleeper.switch(self)
                except BaseException:  # noqa: BLE001 - what a bare greenlet ends with; the others are woken all the same
                    self._hub.handle_error(sleeper, *sys.exc_info())
        finally:
            self._go_on()

    def _take(self, now_s: float) -> bool:
        """Take the next bucket, if all in it are due."""
        while self._ticks:
            bucket = self._buckets.get(self._ticks[0])
            if bucket is not None:
                if bucket[0] > now_s:
                    return False
                self._due, self._next = self._buckets.pop(self._ticks[0]), _FIRST
            heappop(self._ticks)
            if bucket is not None:
                return True
        return False

    def _go_on(self) -> None:
        """Set the timer for who is next."""
        self._armed = sys.maxsize
        if self._next < len(self._due):
            self._arm(-1, 0.0)
            return
        while self._ticks and self._ticks[0] not in self._buckets:  # all of it were interrupted
            heappop(self._ticks)
        if self._ticks:
            self._arm(self._ticks[0], self._buckets[self._ticks[0]][0])


def rest(seconds: float) -> None:
    """Let the user here wait: others run meanwhile, for 0 seconds too."""
    scope = current()
    if seconds >= LONGEST_S or (scope is not None and scope.run is not None):
        gevent.sleep(seconds if seconds > 0 else 0.0)  # as it is now: it tells transactions
    elif seconds > 0:
        sleepers_here().sleep(seconds)
    else:
        sleepers_here().pause()


def sleepers_here() -> Sleepers:
    """Who sleeps in this thread's loop."""
    hub: Any = get_hub()
    try:
        return hub.tidal_sleepers  # type: ignore[no-any-return] # nobody else sets it
    except AttributeError:
        made = hub.tidal_sleepers = Sleepers(hub)
        return made
