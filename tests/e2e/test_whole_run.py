"""A whole run, real from end to end: lose a generator, lose a worker, and rewind it."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from deadline import all_gone, until
from stage import Stage, end_of, generators_of, seen

from tidal.archive import Archive
from tidal.model.codec import decode
from tidal.model.events import GeneratorLost, RunOptions
from tidal.model.fold import fold_entry
from tidal.model.frame import frame
from tidal.model.state import State
from tidal.outputs.json import frame_json
from tidal.paths import archive_path

if TYPE_CHECKING:
    from tidal.model.rows import Frame

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def full(users: int) -> object:
    """A condition on frames: so many users run."""

    def check(shown: Frame) -> bool:
        return shown.run.users_running == users

    return check


def test_lose_a_generator_and_a_worker_and_rewind(stage: Stage) -> None:
    """Users come back to the planned number after each loss, and the archive alone tells the same as the live log."""
    options = RunOptions(users=20, spawn_rate=20, run_time_ms=90_000, host=stage.target_url, expect_workers=2)
    workers = [stage.start_worker(), stage.start_worker()]
    master, answer = stage.start_master(stage.folder / "locustfile.py", options)
    run = answer["run"]
    feed = stage.watch(run)
    seen(feed, full(20), "20 users run")

    victim = generators_of(workers[0])[0]
    victim.send_signal(signal.SIGKILL)
    seen(feed, lambda f: any(row.kind == "gl" for row in f.story), "the loss of a generator is in the story")
    seen(feed, full(20), "20 users run again after a generator died", within_s=5)

    orphans = [g.pid for g in generators_of(workers[1])]
    workers[1].kill()
    until(all_gone(orphans), what="the dead worker's generators are gone")
    seen(feed, lambda f: any(w.state == "lost" for w in f.workers), "the worker is called lost", within_s=10)
    seen(feed, lambda f: full(20)(f) and sum(w.users for w in f.workers if w.state != "lost") == 20, "20 users again")
    seen(feed, lambda f: f.total.requests > 20 * 4 * 4, "they have done something")
    stage.stop(run)

    assert master.wait(60) == 0
    live = end_of(feed)
    served = stage.served()
    stage.close()  # Redis is gone: from here on the archive speaks alone

    state = State()
    lost_ms = []
    with Archive.open(archive_path(run)) as archive:
        for entry in archive.entries():
            fold_entry(state, entry)
            signed = decode(entry)
            if signed is not None and isinstance(signed.event, GeneratorLost):
                lost_ms.append((signed.event.from_ms, signed.event.to_ms))
    assert frame_json(frame(state, live.at_ms)) == frame_json(live)
    assert state.log.closed is not None
    assert len(lost_ms) == 1

    # What the target served and the log does not know was measured by processes that were killed: the generator's
    # unsent interval, and what the lost worker had not handed in (at most an interval and the way there).
    unknown = served["answered"] - live.total.requests
    unsent_s = (lost_ms[0][1] - lost_ms[0][0]) / 1000 + 2.5
    assert 0 <= unknown <= 20 * 4 * unsent_s
    assert live.run.outcome == "stopped"


def test_nothing_is_lost_without_a_fault(stage: Stage) -> None:
    """Without a fault the target's own count equals the log's, to the request, and the command line replays it.

    So it does what the file logged, from its import to its last word: in its generators and in the hook host.
    """
    options = RunOptions(users=10, spawn_rate=50, run_time_ms=4_000, host=stage.target_url)
    stage.start_worker()
    master, answer = stage.start_master(stage.folder / "locustfile.py", options)
    feed = stage.watch(answer["run"])
    assert master.wait(60) == 0
    live = end_of(feed)
    served = stage.served()
    (worker,) = live.workers
    assert (worker.epoch, worker.plan >= 1, worker.skew_ms is not None) == (live.run.epoch, True, True)
    logged = {(row.who, row.level, row.text) for row in live.logs}
    assert {(who, "warning", "this file is a test") for who in ("w1/0", "hooks")} <= logged
    assert {(who, "error", "the last word, with password=[redacted]") for who in ("w1/0", "hooks")} <= logged
    assert (served["requests"], served["answered"]) == (live.total.requests, live.total.requests)
    stage.close()
    replayed = subprocess.run(
        [sys.executable, "-m", "tidal", "replay", answer["run"], "--json"], capture_output=True, check=True, timeout=60
    )
    assert replayed.stdout.decode().strip() == frame_json(live).strip()
