"""The primary of a service that Sentinels watch over dies, and a node of a cluster: the load stays, nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from deadline import until
from redis_servers import Servers, cluster_of_three, company, with_sentinels
from stage import Stage, end_of, prepared, running, seen

from tidal.archive import Archive
from tidal.bus import Bus
from tidal.keys import RunKeys
from tidal.model.events import RunOptions
from tidal.model.frame import frame
from tidal.outputs.json import frame_json
from tidal.paths import archive_path
from tidal.replay import Replay
from tidal.routes import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A target and a locustfile; the Redis is the test's own."""
    with prepared(Stage, tmp_path, redis=False) as made:
        yield made


@pytest.fixture
def servers() -> Iterator[Servers]:
    """Redis in company, ended with the test."""
    with company() as made:
        yield made


def survives(stage: Stage, servers: Servers, url: str, port_of: dict[str, int]) -> None:
    """A run in the middle of which the server with its log is killed."""
    stage.redis_url = url
    worker = stage.start_worker()
    options = RunOptions(users=12, spawn_rate=50, run_time_ms=30_000, host=stage.target_url)
    master, answer = stage.start_master(stage.folder / "locustfile.py", options)
    feed = stage.watch(answer["run"])
    seen(feed, lambda f: running(f) and f.total.requests > 150, "12 users run")
    route = stage.bus()._route
    doomed = port_of.get("primary") or route.at(RunKeys(answer["run"]).log).connection_pool.connection_kwargs["port"]
    before = stage.served()["answered"]
    servers.kill(doomed)
    until(feed.trouble, 20, "the operator reads that Redis does not answer")
    until(lambda: stage.served()["answered"] > before + 60, 10, "the load goes on")
    until(lambda: not feed.trouble(), 40, "another server has taken over")
    assert master.wait(90) == 0, stage.log_of(master)
    live = end_of(feed, 40)
    assert live.total.requests == stage.served()["answered"]
    assert not any(w.state == "lost" for w in live.workers), [row.text for row in live.story]
    with Archive.open(archive_path(answer["run"])) as archive:
        assert frame_json(frame(Replay(archive).final(), live.at_ms)) == frame_json(live)
    assert "Traceback" not in stage.log_of(worker) + stage.log_of(master)


def test_a_primary_of_sentinels_dies(stage: Stage, servers: Servers) -> None:
    """The replica becomes the primary: whoever asks the Sentinels finds it."""
    url, primary = with_sentinels(servers)
    survives(stage, servers, url, {"primary": primary})


def test_a_node_of_a_cluster_dies(stage: Stage, servers: Servers) -> None:
    """The one that has the run's log; its replica takes its slots over."""
    url, ports = cluster_of_three(servers)
    plain = Bus.connect(f"redis://127.0.0.1:{ports[0]}", role="test")
    assert isinstance(plain._route, Cluster)
    client = plain._route.at("tidal:{r}:log")
    assert client.connection_pool.connection_kwargs["retry"].get_retries() == 0
    plain.close()
    survives(stage, servers, url, {})
