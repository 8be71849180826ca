"""Arrivals while processes die, and more than a target can take: the ledger balances, nothing is begun twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stage import Stage, end_of, generators_of, seen

from tidal.model.events import RunOptions

if TYPE_CHECKING:
    from pathlib import Path

    from tidal.live import LiveFeed
    from tidal.model.rows import Frame

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FILE = """
from tidal import HttpUser, task


class Visitor(HttpUser):
    @task
    def page(self):
        self.client.get("{path}")
"""
RATE, RUN_S = 40, 7


def written(stage: Stage, path: str = "/") -> Path:
    """The locustfile: one request an arrival."""
    file = stage.folder / "visitor.py"
    file.write_text(FILE.replace("{path}", path))
    return file


def options(stage: Stage, **more: object) -> RunOptions:
    """Arrivals at an even rate, and then the end."""
    plan = (("", f"rate {RATE}/s for {RUN_S}s"),)
    return RunOptions(host=stage.target_url, plan=plan, exit_by_verdict=False, exit_code_on_error=0, **more)  # type: ignore[arg-type]


def the_end(feed: LiveFeed) -> Frame:
    """The frame of the closed run, whose books balance."""
    live = end_of(feed, 60)
    books = live.ledger
    assert books.arrivals_planned == RATE * RUN_S
    assert (
        books.arrivals_planned + books.arrivals_surplus
        == books.arrivals_started + books.arrivals_dropped + books.arrivals_unknown
    )
    assert books.arrivals_surplus == 0
    return live


def test_a_killed_workers_arrivals_go_on_elsewhere(stage: Stage) -> None:
    """What was due before the cut-over is told or unknown, and never begun again; the rest is the other worker's."""
    workers = [stage.start_worker(1), stage.start_worker(1)]
    master, answer = stage.start_master(written(stage), options(stage, expect_workers=2))
    feed = stage.watch(answer["run"])
    seen(feed, lambda f: f.total.requests >= 20, "some have come")
    workers[0].kill()
    workers[0].wait(10)
    assert master.wait(90) == 0
    books, answered = the_end(feed).ledger, stage.served()["answered"]
    assert books.arrivals_unknown > 0
    assert books.arrivals_dropped == 0
    assert books.arrivals_started <= answered <= books.arrivals_planned


def test_a_killed_generators_arrivals_go_on_in_its_sibling(stage: Stage) -> None:
    """The same within one worker."""
    worker = stage.start_worker(2)
    master, answer = stage.start_master(written(stage), options(stage))
    feed = stage.watch(answer["run"])
    seen(feed, lambda f: f.total.requests >= 20, "some have come")
    generators_of(worker)[0].kill()
    assert master.wait(90) == 0
    books, answered = the_end(feed).ledger, stage.served()["answered"]
    assert books.arrivals_started <= answered <= books.arrivals_planned
    assert books.arrivals_started > 0.5 * books.arrivals_planned


def test_what_a_saturated_target_does_not_take_is_dropped(stage: Stage) -> None:
    """Two may be in flight, each for half a second: of forty a second most are dropped, and all are counted."""
    stage.start_worker(1)
    master, answer = stage.start_master(written(stage, "/delay/500"), options(stage, max_in_flight=2))
    feed = stage.watch(answer["run"])
    assert master.wait(90) == 0
    books, answered = the_end(feed).ledger, stage.served()["answered"]
    assert books.arrivals_dropped > books.arrivals_planned // 2
    assert books.arrivals_started > 0
    assert answered == books.arrivals_started
