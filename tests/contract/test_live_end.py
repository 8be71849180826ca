"""A viewer sees of a closed run what its archive has: reports that came too late are in no picture."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from tidal.bus import Bus
from tidal.keys import RunKeys
from tidal.live import LiveFeed
from tidal.model.codec import LOG, REPORTS, encode, pack, unpack
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
from tidal.model.state import State, sealed

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


@pytest.mark.parametrize("is_foreign", [False, True])
def test_a_stored_state_of_other_rules_is_passed_over(
    real_redis: redis.Redis, redis_url: str, *, is_foreign: bool
) -> None:
    """What it lacks would be read as nothing: the log has it. One of these rules saves reading all of it."""
    bus = Bus.connect(redis_url, role="test")
    opened(bus)
    reported(bus, 1)
    last = reported(bus, 2)
    stored = State()
    stored.log.run, stored.log.opened_ms, stored.reports.iterations = "ended", 1, (40, 40, 0, 0)
    stored.position = {LOG: bus.last_id(KEYS.log), REPORTS: last}
    sealing = unpack(sealed(stored.packed()), 1 << 20)
    real_redis.set(KEYS.keyframe, pack(["1.another" if is_foreign else sealing[0], sealing[1]]))
    feed = LiveFeed(redis_url, KEYS).start()
    end_s, pause = time.monotonic() + 20, threading.Event()
    while (seen := counted(feed)) != (2 if is_foreign else 40):
        assert time.monotonic() < end_s, seen
        pause.wait(0.01)
    feed.close()
    bus.close()


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
