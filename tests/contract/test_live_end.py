"""A viewer sees of a closed run what its archive has: reports that came too late are in no picture."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from tidal.bus import Bus
from tidal.keys import RunKeys
from tidal.live import LiveFeed
from tidal.model.codec import encode
from tidal.model.events import (
    ByMaster,
    ByWorker,
    ClassSpec,
    Event,
    Reported,
    RunClosed,
    RunOpened,
    RunOptions,
    StopOrdered,
)

if TYPE_CHECKING:
    import redis

    from tidal.model.codec import EntryId

KEYS = RunKeys("ended")


def said(bus: Bus, n: int, event: Event) -> None:
    """An entry by a master."""
    bus.append(KEYS.log, encode(ByMaster(1, n, 1_000 + n, event)))


def reported(bus: Bus, seq: int) -> EntryId:
    """A report of one iteration."""
    report = Reported(1_000, 2_000, (), iterations=(1, 1, 0, 0))
    return bus.append(KEYS.reports, encode(ByWorker("inc", seq, seq, 2_000, report)))


def opened(bus: Bus) -> None:
    """A run that is stopping."""
    said(bus, 1, RunOpened("ended", "default", "me", "f.py", (), (ClassSpec("A"),), RunOptions()))
    said(bus, 2, StopOrdered("stopped", "enough", "me", 0))


def counted(feed: LiveFeed) -> int | None:
    """How many iterations it has folded."""
    return feed.look(lambda state, _: state.reports.iterations[0])


def awaited(feed: LiveFeed, count: int) -> None:
    """Wait until it has folded so many."""
    end_s, pause = time.monotonic() + 20, threading.Event()
    while counted(feed) != count or (count == 2 and not feed.is_closed):
        assert time.monotonic() < end_s, counted(feed)
        pause.wait(0.01)


def test_a_late_report_is_in_no_picture(real_redis: redis.Redis, redis_url: str) -> None:
    """Neither for who attaches after the end, nor for who had folded it before the close was known."""
    bus = Bus.connect(redis_url, role="test")
    opened(bus)
    reported(bus, 1)
    last = reported(bus, 2)
    late = reported(bus, 3)
    assert late > last
    early = LiveFeed(redis_url, KEYS).start()
    awaited(early, 3)
    said(bus, 3, RunClosed("stopped", "enough", 0, reports_id=str(last)))
    attached = LiveFeed(redis_url, KEYS).start()
    for feed in (attached, early):
        awaited(feed, 2)
        feed.close()
    bus.close()
