"""A Redis that is there but refuses: full, a replica, rights taken away, no connections left, hung.

The load does not change; each is said at once, in words, to the operator, by the master and by the worker; and nothing
is lost once it is mended.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
import redis
from deadline import until
from stage import Stage, end_of, running, seen

from tidal.model.events import RunOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidal.model.rows import Frame

pytestmark = [pytest.mark.e2e, pytest.mark.chaos, pytest.mark.timeout(240)]

Change = tuple[tuple[str, ...], tuple[str, ...], str]
TROUBLES: dict[str, Change] = {
    "full": (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"), "is out of memory"),
    "replica": (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"), "is a replica"),
    "rights": (
        ("ACL", "SETUSER", "default", "-xadd", "-set", "-time"),
        ("ACL", "SETUSER", "default", "+@all"),
        "refuses this user",
    ),
}


def recoveries(shown: Frame) -> list[str]:
    """What the log says of troubles that are over."""
    return [row.text for row in shown.story if "the load went on, and nothing is lost" in row.text]


def steady(stage: Stage, whether: Callable[[], bool], what: str) -> None:
    """Wait for a condition, and see that the target is served all the while."""
    before = stage.served()["answered"]
    until(whether, 30, what)
    until(lambda: stage.served()["answered"] > before + 60, 10, "the load goes on")


def test_each_trouble_is_said_and_nothing_is_lost(stage: Stage) -> None:
    """One after the other, in one run."""
    worker = stage.start_worker()
    options = RunOptions(users=12, spawn_rate=50, run_time_ms=70_000, host=stage.target_url)
    master, answer = stage.start_master(stage.folder / "locustfile.py", options)
    feed = stage.watch(answer["run"])
    seen(feed, running, "12 users run")
    admin = redis.Redis(unix_socket_path=stage.redis_url.removeprefix("unix://"), protocol=2)
    admin.execute_command("ACL", "SETUSER", "admin", "on", "nopass", "allkeys", "allchannels", "+@all")
    admin.execute_command("AUTH", "admin", "any")
    for change, mend, words in TROUBLES.values():
        admin.execute_command(*change)
        steady(stage, lambda words=words: words in feed.trouble(), f"the operator reads: {words}")
        for process in (master, worker):
            until(lambda p=process, words=words: words in stage.log_of(p), 20, f"a process says: {words}")
        admin.execute_command(*mend)
        seen(feed, lambda f, words=words: any(words in told for told in recoveries(f)), "the log says that it was", 30)
        assert not feed.trouble()
    assert stage.redis is not None
    os.kill(stage.redis.pid, signal.SIGSTOP)
    try:
        steady(stage, lambda: "does not answer" in feed.trouble(), "the operator reads that it hangs")
    finally:
        os.kill(stage.redis.pid, signal.SIGCONT)
    admin.close()
    assert master.wait(120) == 0
    live = end_of(feed, 30)
    assert live.total.requests == stage.served()["answered"]
    assert not any(w.state == "lost" for w in live.workers)
    assert len(recoveries(live)) == len(TROUBLES) + 1
