"""Redis comes back empty or rolled back, or somebody cuts the streams: the load stays and no request is lost."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from deadline import until
from stage import Stage, end_of, options, running, seen

from tidal.archive import Archive
from tidal.keys import RunKeys
from tidal.model.codec import ZERO_ID
from tidal.model.frame import frame
from tidal.model.struct import replace
from tidal.outputs.json import frame_json
from tidal.paths import archive_path
from tidal.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tidal.model.rows import Frame

pytestmark = [pytest.mark.e2e, pytest.mark.chaos, pytest.mark.timeout(240)]


def restart_redis(stage: Stage, meddle: Callable[[Path], object]) -> None:
    """Kill the server, meddle with its data, start it on what is left."""
    assert stage.redis is not None
    stage.redis.kill()
    stage.redis.wait(10)
    meddle(stage.folder / "appendonlydir")
    (stage.folder / "r.sock").unlink(missing_ok=True)
    stage.start_redis()


def cut_tail(folder: Path) -> None:
    """What a power cut takes away: the last seconds of the append-only file."""
    newest = max(folder.glob("*.incr.aof"), key=lambda path: path.stat().st_mtime)
    with newest.open("r+b") as file:
        file.truncate(newest.stat().st_size * 3 // 5)


def complete(stage: Stage, run: str) -> Frame:
    """The last frame; every request that was answered is in it, in a late viewer's and in the archive."""
    late = stage.watch(run)
    live = end_of(late, 60)
    assert live.total.requests == stage.served()["answered"]
    with Archive.open(archive_path(run)) as archive:
        assert frame_json(frame(Replay(archive).final(), live.at_ms)) == frame_json(live)
    return live


@pytest.mark.parametrize("meddle", [shutil.rmtree, cut_tail], ids=["empty", "rolled back"])
def test_redis_comes_back_without_its_data(stage: Stage, meddle: Callable[[Path], object]) -> None:
    """A new generation from the master's state; a worker that joins later finds all that it needs."""
    stage.start_worker()
    master, answer = stage.start_master(stage.folder / "locustfile.py", options(stage, 35_000))
    run = answer["run"]
    feed = stage.watch(run)
    seen(feed, lambda f: running(f) and f.total.requests > 200, "12 users run")
    before = stage.served()["answered"]
    restart_redis(stage, meddle)
    seen(feed, lambda f: any("goes on from what the master knows" in r.text for r in f.story), "a generation", 30)
    newcomer = stage.start_worker(1)
    seen(feed, lambda f: running(f) and len(f.workers) == 2 and all(w.users for w in f.workers), "both have users", 40)
    assert stage.served()["answered"] > before
    assert master.wait(90) == 0
    until(lambda: feed.is_closed, 30, "the feed is at the end")
    live = complete(stage, run)
    assert feed.frame() is not None
    assert feed.frame().total == live.total  # type: ignore[union-attr]
    assert not any(w.state == "lost" for w in live.workers)
    assert "Traceback" not in stage.log_of(newcomer) + stage.log_of(master)


@pytest.mark.parametrize("stream", ["log", "reports"])
def test_somebody_deletes_a_stream(stage: Stage, stream: str) -> None:
    """With the right to write one can delete; what was acknowledged is in the archive, the rest is handed in again."""
    stage.start_worker()
    master, answer = stage.start_master(stage.folder / "locustfile.py", options(stage, 16_000))
    run = answer["run"]
    feed = stage.watch(run)
    seen(feed, lambda f: running(f) and f.total.requests > 200, "12 users run")
    keys = RunKeys(run)
    bus = stage.bus()
    bus._run(("DEL", getattr(keys, stream)))
    seen(feed, lambda f: any("goes on from what the master knows" in r.text for r in f.story), "a generation", 30)
    assert bus.range(keys.log, ZERO_ID)
    assert master.wait(90) == 0
    until(lambda: feed.is_closed, 30, "the feed is at the end")
    complete(stage, run)


def test_streams_over_their_budget_are_trimmed(stage: Stage) -> None:
    """Only what is archived and covered by a keyframe goes; whoever joins or attaches later misses nothing."""
    stage.start_worker()
    asked = replace(options(stage, 45_000), log_budget_bytes=1)
    master, answer = stage.start_master(stage.folder / "locustfile.py", asked)
    feed = stage.watch(answer["run"])
    seen(feed, running, "12 users run")
    until(lambda: "trimmed from Redis" in stage.log_of(master), 60, "something was trimmed")
    keys, bus = RunKeys(answer["run"]), stage.bus()
    shown = feed.frame()
    assert shown is not None
    began_ms = shown.run.began_ms
    streams = (keys.log, keys.reports)
    until(lambda: all(bus.stream(key).first_id.ms > began_ms + 5_000 for key in streams), 40, "both are cut")
    stage.start_worker(1)
    seen(feed, lambda f: running(f) and len(f.workers) == 2 and all(w.users for w in f.workers), "both have users", 40)
    assert master.wait(90) == 0
    until(lambda: feed.is_closed, 30, "the feed is at the end")
    live = complete(stage, answer["run"])
    assert feed.frame().total == live.total  # type: ignore[union-attr]
    assert all(bus._run(("PTTL", key))[0] > 0 for key in streams)
