"""Masters and Redis die in the middle of a run; the target sees nothing of it and no request is lost from the log."""

from __future__ import annotations

import pytest
from deadline import until
from stage import Stage, end_of, folded, options, running, seen

from tidal.keys import RunKeys
from tidal.model.events import WantDrain
from tidal.model.frame import frame
from tidal.model.liveness import LEASE_MS
from tidal.model.struct import replace
from tidal.operator import Operator
from tidal.outputs.json import frame_json

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_a_killed_master_is_succeeded(stage: Stage) -> None:
    """The users run on without a master; its successor takes the lease and ends the run with complete figures."""
    file = stage.folder / "locustfile.py"
    stage.start_worker()
    master, answer = stage.start_master(file, options(stage, 90_000))
    feed = stage.watch(answer["run"])
    seen(feed, running, "12 users run")
    master.kill()
    master.wait(10)
    before = stage.served()["answered"]
    until(lambda: stage.served()["answered"] > before + 60, what="the load goes on without a master")
    successor, again = stage.start_master(file, options(stage, 90_000), run=answer["run"])
    assert again["run"] == answer["run"]
    seen(feed, lambda f: any("took over" in row.text for row in f.story), "there is a successor")
    stage.stop(answer["run"])
    assert successor.wait(60) == 0
    live = end_of(feed)
    assert live.total.requests == stage.served()["answered"]
    assert frame_json(frame(folded(answer["run"]), live.at_ms)) == frame_json(live)


def test_redis_is_killed_and_comes_back(stage: Stage) -> None:
    """While Redis is away the users run on and reports are kept; nothing is lost and nothing counted twice."""
    stage.start_worker()
    master, answer = stage.start_master(stage.folder / "locustfile.py", options(stage, 90_000))
    feed = stage.watch(answer["run"])
    seen(feed, running, "12 users run")
    assert stage.redis is not None
    stage.redis.kill()
    stage.redis.wait(10)
    before = stage.served()["answered"]
    until(lambda: stage.served()["answered"] > before + 120, what="the load goes on without Redis")
    until(lambda: "Redis" in feed.trouble(), what="the viewer says so")
    stage.start_redis()
    before = stage.served()["answered"]
    seen(feed, lambda f: f.total.requests > before, "what was measured meanwhile is told")
    stage.stop(answer["run"])
    assert master.wait(60) == 0
    live = end_of(feed)
    assert live.total.requests == stage.served()["answered"]
    assert not any(w.state == "lost" for w in live.workers)
    assert frame_json(frame(folded(answer["run"]), live.at_ms)) == frame_json(live)


def test_workers_leave_and_the_load_stays(stage: Stage) -> None:
    """SIGTERM or an operator's wish: users move first, the load does not dip, workers end with 0, no request lacks."""
    workers = [stage.start_worker(1), stage.start_worker(1), stage.start_worker(1)]
    master, answer = stage.start_master(
        stage.folder / "locustfile.py", replace(options(stage, 90_000), expect_workers=3)
    )
    feed = stage.watch(answer["run"])
    at_work = seen(feed, lambda f: running(f) and len(f.workers) == 3, "12 users run on three workers")
    workers[0].terminate()
    assert workers[0].wait(60) == 0
    seen(feed, lambda f: running(f) and any(w.state == "left" for w in f.workers), "the others have all 12 users")
    drained = next(w for w in at_work.workers if w.pid == workers[1].pid)
    operator = Operator(stage.bus(), RunKeys(answer["run"]), "ann")
    operator.want(WantDrain(drained.name))
    assert workers[1].wait(60) == 0
    seen(feed, lambda f: running(f) and sum(w.state == "left" for w in f.workers) == 2, "one has all 12 users")
    operator.want(WantDrain(next(w.name for w in at_work.workers if w.pid == workers[2].pid)))
    seen(feed, lambda f: any("is the last worker" in row.text for row in f.story), "it stays")
    stage.stop(answer["run"])
    assert master.wait(60) == 0
    live = end_of(feed)
    assert live.total.requests == stage.served()["answered"]
    # without the move four users, and then six, would be missing until a lease of two seconds is over
    assert live.ledger.missing_user_ms - at_work.ledger.missing_user_ms < (4 + 6) * LEASE_MS // 2
    assert f"{drained.name} left: drained by ann" in [row.text for row in live.story]
