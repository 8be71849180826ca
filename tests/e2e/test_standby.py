"""A master in reserve, on another machine, takes over from the keyframe; the old one stops itself when it wakes up."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from deadline import until
from stage import Stage, end_of, options, running, seen

from tidal.archive import Archive
from tidal.errors import Fenced
from tidal.model.frame import frame
from tidal.outputs.json import frame_json
from tidal.replay import Replay

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tidal.model.rows import Frame

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def stand_by(stage: Stage, home: Path, *words: str) -> subprocess.Popen[bytes]:
    """`tidal master --standby`, with folders of its own as on another machine."""
    env = {**os.environ, "TIDAL_HOME": str(home), "TIDAL_REDIS_URL": stage.redis_url}
    standby = stage._start([sys.executable, "-m", "tidal", "master", "--standby", *words], b"", env=env)
    until(lambda: "stands by" in stage.log_of(standby), 30, "the one in reserve is there")
    return standby


def closed(stage: Stage, run: str) -> Frame:
    """The last frame of a viewer that attaches now."""
    late = stage.watch(run)
    return end_of(late, 60)


def test_a_killed_master_is_succeeded_from_elsewhere(stage: Stage, tmp_path: Path) -> None:
    """Nobody starts a successor: the one in reserve leads on, closes the run complete, and stands by for the next."""
    stage.start_worker()
    standby = stand_by(stage, tmp_path / "elsewhere")
    master, answer = stage.start_master(stage.folder / "locustfile.py", options(stage, 90_000))
    feed = stage.watch(answer["run"])
    seen(feed, running, "12 users run")
    until(lambda: stage.bus().load_brief(feed._keys) is not None, 30, "there is a keyframe")
    master.kill()
    master.wait(10)
    until(lambda: "taking over" in stage.log_of(standby), 30, "it takes over")
    led = seen(feed, lambda f: any("took over" in row.text for row in f.story), "it leads")
    seen(feed, lambda f: f.total.requests > led.total.requests + 60, "the load goes on under it")
    stage.stop(answer["run"])
    live = end_of(feed, 90)
    assert live.total.requests == stage.served()["answered"]
    assert frame_json(frame(feed._state, live.at_ms)) == frame_json(live)
    until(lambda: "is closed" in stage.log_of(standby), 30, "it stands by again")
    with Archive.open(tmp_path / "elsewhere" / "runs" / f"{answer['run']}.tidal") as archive:
        replayed = Replay(archive)
        last = replayed.final()
        assert frame_json(frame(last, live.at_ms)) == frame_json(live)
    assert standby.poll() is None
    standby.terminate()
    assert standby.wait(60) == 0


@pytest.mark.chaos
def test_a_frozen_master_that_wakes_up_stops_itself(stage: Stage, tmp_path: Path) -> None:
    """The fence: it appends nothing any more and ends with its own code; no request is lost or counted twice."""
    stage.start_worker()
    master, answer = stage.start_master(stage.folder / "locustfile.py", options(stage, 25_000))
    standby = stand_by(stage, tmp_path / "elsewhere", "--run", answer["run"])
    feed = stage.watch(answer["run"])
    seen(feed, running, "12 users run")
    os.kill(master.pid, signal.SIGSTOP)
    until(lambda: "taking over" in stage.log_of(standby), 30, "it takes over")
    seen(feed, lambda f: any("took over" in row.text for row in f.story), "it leads")
    os.kill(master.pid, signal.SIGCONT)
    assert master.wait(30) == Fenced.exit_code
    live = end_of(feed, 90)
    assert live.total.requests == stage.served()["answered"]
    assert not any(w.state == "lost" for w in live.workers)
    assert standby.wait(30) == 0
    assert closed(stage, answer["run"]).total == live.total
