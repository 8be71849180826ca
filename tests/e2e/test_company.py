"""Redis behind Sentinels and in a cluster, without a run: commands find their server, also after it has died."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from deadline import until
from redis_servers import Servers, cluster_of_three, company, with_sentinels

from tidal.bus import Bus, BusError
from tidal.errors import UsageError
from tidal.keys import FleetKeys, RunKeys
from tidal.model.codec import ZERO_ID
from tidal.routes import Cluster, One

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
KEYS, FLEET = RunKeys("r1"), FleetKeys("default")


@pytest.fixture
def servers() -> Iterator[Servers]:
    """Ended with the test."""
    with company() as made:
        yield made


def use(bus: Bus, text: str) -> None:
    """What a master, a worker and a viewer do."""
    epoch = bus.take_lease(KEYS, "me")
    assert epoch is not None
    assert bus.append_fenced(KEYS, "me", epoch, [{b"k": text.encode()}])
    assert bus.beat(FLEET, "w1", b"x")[1] > 0
    assert list(bus.beats(FLEET)) == ["w1"]
    assert bus.announce_run(FLEET, "r1") == "r1"
    assert bus.send_reports(KEYS, "inc", [{b"k": text.encode()}]) == 0
    bus.acknowledge(KEYS, "me", epoch, {"inc": 1})
    bus.put_run_summary("r1", b"x")
    assert bus.list_runs() == {"r1": b"x"}
    found = bus.read({KEYS.log: ZERO_ID, KEYS.reports: ZERO_ID}, block_ms=None, count=99)
    assert [fields[b"k"].decode() for _, _, fields in found].count(text) == 2


def server_of(bus: Bus) -> int:
    """The port of the server that has the run now: on a busy machine it may be another than at first."""
    return int(bus._route.at(KEYS.log).info("server")["tcp_port"])


def works(bus: Bus) -> bool:
    """Whether the run's server takes appends."""
    try:
        bus.append(KEYS.intents, {b"k": b"x"})
    except BusError as error:
        if error.kind not in {"unreachable", "timeout", "loading"}:
            raise
        return False
    return True


def test_sentinels_name_the_primary(servers: Servers) -> None:
    """Before and after a failover, with every call an error in between and none tried twice by itself."""
    url, _ = with_sentinels(servers)
    bus = Bus.connect(url, role="test")
    assert isinstance(bus._route, One)
    use(bus, "before")
    servers.kill(server_of(bus))
    assert not works(bus)
    until(lambda: works(bus), 30, "the replica is the primary")
    bus.close()
    with pytest.raises(UsageError, match="which service"):
        Bus.connect(url.removesuffix("/shop"), role="test")


def test_a_cluster_has_each_key_somewhere(servers: Servers) -> None:
    """Also when a plain URL names one node; no retries on any of them; a node that dies is replaced."""
    url, ports = cluster_of_three(servers)
    plain = Bus.connect(f"redis://127.0.0.1:{ports[0]}", role="test")
    assert isinstance(plain._route, Cluster)
    use(plain, "plain")
    plain.close()
    bus = Bus.connect(url, role="test")
    client = bus._route.at(KEYS.log)
    assert client.connection_pool.connection_kwargs["retry"].get_retries() == 0
    servers.kill(server_of(bus))
    assert not works(bus)
    until(lambda: works(bus), 30, "its replica has the slots")
    bus.close()
