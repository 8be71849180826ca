"""The disk of the archive is full for a while: the run goes on from Redis, nothing is trimmed, all is caught up."""

from __future__ import annotations

import resource

import pytest
from stage import Stage, end_of, running, seen

from tidal.archive import Archive
from tidal.keys import RunKeys
from tidal.model.events import RunOptions
from tidal.model.frame import frame
from tidal.outputs.json import frame_json
from tidal.paths import archive_path, runs_dir
from tidal.replay import Replay

pytestmark = [pytest.mark.e2e, pytest.mark.chaos, pytest.mark.timeout(300)]


def test_a_full_disk_is_told_and_caught_up_with(stage: Stage) -> None:
    """The file may not grow: the same error as of a full disk, for one process."""
    stage.start_worker()
    options = RunOptions(users=12, spawn_rate=50, run_time_ms=40_000, host=stage.target_url, log_budget_bytes=1)
    master, answer = stage.start_master(stage.folder / "locustfile.py", options)
    feed = stage.watch(answer["run"])
    seen(feed, lambda f: running(f) and f.total.requests > 100, "12 users run")
    (part,) = runs_dir().glob("*.part-*")
    limits = resource.prlimit(master.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(master.pid, resource.RLIMIT_FSIZE, (part.stat().st_size, limits[1]))
    seen(feed, lambda f: any("archive cannot be written" in row.text for row in f.story), "it is told", 20)
    keys, before = RunKeys(answer["run"]), stage.served()["answered"]
    first = stage.bus().stream(keys.reports).first_id
    seen(feed, lambda f: f.total.requests > before + 600, "the run goes on", 30)
    assert stage.bus().stream(keys.reports).first_id == first
    resource.prlimit(master.pid, resource.RLIMIT_FSIZE, limits)
    seen(feed, lambda f: any("archive is whole again" in row.text for row in f.story), "it is told", 20)
    assert master.wait(90) == 0, stage.log_of(master)
    live = end_of(feed, 30)
    assert live.total.requests == stage.served()["answered"]
    with Archive.open(archive_path(answer["run"])) as archive:
        assert frame_json(frame(Replay(archive).final(), live.at_ms)) == frame_json(live)
