"""A run of so many iterations has exactly as many, also when a process dies in the middle of it."""

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
from tidal import HttpUser, constant, task


class Visitor(HttpUser):
    wait_time = constant(0.2)

    @task
    def home(self):
        self.client.get("/")
"""


def written(stage: Stage) -> Path:
    """The locustfile: one request an iteration."""
    file = stage.folder / "counted.py"
    file.write_text(FILE)
    return file


def the_end(feed: LiveFeed) -> Frame:
    """The frame of the closed run."""
    return end_of(feed, 30)


@pytest.mark.parametrize("redo", [False, True])
def test_a_worker_is_killed_half_way(stage: Stage, redo: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """What it had and did not tell of is unknown and not begun anew, unless the run was told to redo it."""
    options = RunOptions(
        users=10,
        spawn_rate=50,
        host=stage.target_url,
        iterations=300,
        redo_unknown=redo,
        exit_by_verdict=False,
        expect_workers=2,
    )
    workers = [stage.start_worker(1), stage.start_worker(1)]
    master, answer = stage.start_master(written(stage), options)
    feed = stage.watch(answer["run"])
    seen(feed, lambda f: len(f.workers) == 2 and all(w.users for w in f.workers), "both workers have users")
    seen(feed, lambda f: f.total.requests >= 40, "some of the work is done")
    workers[0].kill()
    workers[0].wait(10)
    assert master.wait(90) == 0
    live = the_end(feed)
    ledger, served = live.ledger, stage.served()["answered"]
    assert (ledger.tickets_wanted, ledger.tickets_open) == (300, 0)
    assert ledger.tickets_done + ledger.tickets_unknown == 300 + ledger.tickets_redone
    assert ledger.tickets_done <= served <= 300 + ledger.tickets_redone
    assert ledger.tickets_redone == (ledger.tickets_unknown if redo else 0)
    assert live.run.reason.startswith("all 300 iterations are done")


def test_each_user_has_its_own_when_a_generator_is_killed(stage: Stage) -> None:
    """Ten users of twenty each: those who move do not begin at nothing again."""
    options = RunOptions(users=10, spawn_rate=50, host=stage.target_url, iterations_per_user=20, exit_by_verdict=False)
    worker = stage.start_worker(2)
    master, answer = stage.start_master(written(stage), options)
    feed = stage.watch(answer["run"])
    seen(feed, lambda f: f.total.requests >= 60, "some of the work is done")
    generators_of(worker)[0].kill()
    assert master.wait(90) == 0
    ledger, served = the_end(feed).ledger, stage.served()["answered"]
    assert (ledger.tickets_wanted, ledger.tickets_open, ledger.tickets_redone) == (200, 0, 0)
    assert ledger.tickets_done + ledger.tickets_unknown == 200
    assert ledger.tickets_done <= served <= 200
