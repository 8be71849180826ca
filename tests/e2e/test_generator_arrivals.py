# ruff: noqa: F811 - fixtures of another file are named as arguments
"""A real generator that is given arrivals: each begins when it is due, whatever became of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from test_generator import SLOTS, Agent, Target, agent, target  # noqa: F401

from tidal.model.events import Track
from tidal.model.pipe import Batch, Finished, SetShare
from tidal.model.plan import bitmap
from tidal.model.stats import Spread

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

pytestmark = pytest.mark.e2e

FILE = """
import time
from tidal import HttpUser, SequentialTaskSet, constant, task


class Visitor(HttpUser):
    wait_time = constant(30)

    def on_start(self):
        self.client.get("/start")

    @task
    def visit(self):
        self.client.get("{path}")

    def on_stop(self):
        self.client.get("/stop")
"""

BUSY = """
import gevent.monkey
from tidal import HttpUser, task

busy = [1]


class Visitor(HttpUser):
    @task
    def visit(self):
        if busy:
            gevent.monkey.get_original("time", "sleep")(busy.pop())  # nobody else runs meanwhile
        self.client.get("/")
"""

PASSES = """
from tidal import HttpUser, SequentialTaskSet, constant, task


class Buyer(HttpUser):
    wait_time = constant(0.01)

    @task
    class Purchase(SequentialTaskSet):
        def on_start(self):
            self.client.get("/enter")

        @task
        def search(self):
            self.client.get("/search")

        @task
        def fail(self):
            raise RuntimeError("no")

        @task
        def pay(self):
            self.client.get("/pay")

        def on_stop(self):
            self.client.get("/leave")
"""


def give(
    agent: Agent,
    rate: float,
    end_ms: int,
    *,
    mine: Iterable[int] = range(SLOTS),
    most: int = 10_000,
    fresh: bool = False,
) -> None:
    """Send a plan of arrivals at an even rate."""
    agent.began_ms = agent.now_ms() + 100
    tracks = (Track("", ((0, rate),), "arrivals/s"),)
    bits = bitmap(mine, SLOTS)
    agent.order(
        SetShare(
            1, 0, agent.began_ms, tracks, end_ms, SLOTS, bits, agent.classes, max_in_flight=most, fresh_users=fresh
        )
    )


def arrivals(agent: Agent) -> tuple[int, ...]:
    """Planned, started, dropped in all batches."""
    return tuple(map(sum, zip(*(b.arrivals for b in agent.all(Batch)), strict=True)))


def lateness(agent: Agent) -> Spread:
    """How late arrivals began, of all batches."""
    whole = Spread()
    for batch in agent.all(Batch):
        if batch.lateness is not None:
            whole.merge(batch.lateness)
    return whole


def iterations(agent: Agent) -> tuple[int, ...]:
    """Started, finished, failed, cancelled in all batches."""
    return tuple(map(sum, zip(*(b.iterations for b in agent.all(Batch)), strict=True)))


def ended(agent: Agent) -> None:
    """Wait for the end of the plan."""
    agent.until(lambda: agent.all(Finished), "Finished", within_s=30)


def test_every_arrival_of_the_plan_is_begun_and_users_are_used_again(
    agent: Agent,
    tmp_path: Path,
    target: Target,
) -> None:
    """The total is exact; a few users made all visits and keep their session; each is stopped once."""
    agent.load(tmp_path, FILE.format(path="/"), host=target.url)
    give(agent, 100.0, 2_000)
    ended(agent)
    assert arrivals(agent) == (200, 200, 0)
    assert iterations(agent) == (200, 200, 0, 0)
    assert target.seen.count("/") == 200
    assert target.seen.count("/start") == target.seen.count("/stop") < 200
    assert agent.user_ms() == 0
    late = lateness(agent)
    assert late.count == 200
    assert late.percentiles_us(0.5)[0] < 5_000_000  # a queue for users that wait would show half a minute


def test_each_arrival_may_have_a_user_of_its_own(agent: Agent, tmp_path: Path, target: Target) -> None:
    """Made, started, stopped."""
    agent.load(tmp_path, FILE.format(path="/"), host=target.url)
    give(agent, 50.0, 1_000, fresh=True)
    ended(agent)
    assert arrivals(agent) == (50, 50, 0)
    assert [target.seen.count(path) for path in ("/start", "/", "/stop")] == [50, 50, 50]


def test_arrivals_do_not_wait_for_those_before(agent: Agent, tmp_path: Path, target: Target) -> None:
    """A target that takes a second sees them all at their rate; the response time is the service time."""
    agent.load(tmp_path, FILE.format(path="/slow"), host=target.url, stop_timeout_ms=5_000)
    give(agent, 30.0, 1_000)
    ended(agent)
    assert arrivals(agent) == (30, 30, 0)
    tallies = [t for b in agent.all(Batch) for block in b.blocks for (_, n), t in block.tallies.items() if n == "/slow"]
    assert sum(t.requests for t in tallies) == 30
    assert sum(t.response.count for t in tallies if t.response is not None) == 30
    behind_us = max(t.response.max_us - t.max_us for t in tallies if t.response is not None)
    assert behind_us < 5_000_000  # the last of a queue would be 29 s behind


def test_what_a_busy_process_begins_late_counts_from_when_it_was_due(
    agent: Agent, tmp_path: Path, target: Target
) -> None:
    """The first visit keeps the process busy while nine more are due; their response times hold what they waited."""
    agent.load(tmp_path, BUSY, host=target.url)
    give(agent, 10.0, 1_000)
    ended(agent)
    assert arrivals(agent) == (10, 10, 0)
    tallies = [t for b in agent.all(Batch) for block in b.blocks for (_, n), t in block.tallies.items() if n == "/"]
    waited_us = sum(t.response.total_us - t.total_us for t in tallies if t.response is not None)
    assert waited_us >= 0.95e6 * sum(1 - n / 10 for n in range(1, 10))


def test_too_many_in_flight_are_dropped_and_counted(agent: Agent, tmp_path: Path, target: Target) -> None:
    """Three at a time, each for a second: of a hundred a handful."""
    agent.load(tmp_path, FILE.format(path="/slow"), host=target.url, stop_timeout_ms=5_000)
    give(agent, 100.0, 1_000, most=3)
    ended(agent)
    planned, started, dropped = arrivals(agent)
    assert planned == started + dropped == 100
    assert 3 <= started < 20
    assert target.seen.count("/slow") == started


def test_only_own_slots_are_served(agent: Agent, tmp_path: Path, target: Target) -> None:
    """A quarter of the slots has a quarter of the arrivals."""
    agent.load(tmp_path, FILE.format(path="/"), host=target.url)
    give(agent, 80.0, 1_000, mine=[0, 5])
    ended(agent)
    assert arrivals(agent) == (20, 20, 0)


def test_an_iteration_is_one_pass_of_a_sequential_set(agent: Agent, tmp_path: Path, target: Target) -> None:
    """With its on_start and on_stop; one that raised is a failed one, and goes on with the next task."""
    agent.load(tmp_path, PASSES, host=target.url)
    give(agent, 20.0, 500)
    ended(agent)
    assert iterations(agent) == (10, 0, 10, 0)
    assert [target.seen.count(p) for p in ("/enter", "/search", "/pay", "/leave")] == [10, 10, 10, 10]
    assert agent.exceptions() == {"RuntimeError: no": 10}


def test_a_user_that_is_at_rest_stops_at_once(agent: Agent, tmp_path: Path, target: Target) -> None:
    """And one in a visit may finish it."""
    agent.load(tmp_path, FILE.format(path="/slow"), host=target.url)
    give(agent, 10.0, 60_000)
    agent.until(lambda: target.seen.count("/slow") >= 5, "five visits")
    agent.finish(stop_timeout_ms=5_000)
    planned, started, dropped = arrivals(agent)
    assert (planned, dropped) == (started, 0)
    begun, finished, failed, cancelled = iterations(agent)
    assert (begun, failed, cancelled) == (finished, 0, 0)
    assert begun == started == target.seen.count("/slow")
    assert target.seen.count("/start") == target.seen.count("/stop")
