"""Redis in company, for tests: a primary with a replica and three Sentinels, a cluster of three with their replicas."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import redis
from deadline import until
from ports import own_port

if TYPE_CHECKING:
    from collections.abc import Iterator

BUS = 10_000
"""So far above a cluster node's port the other nodes reach it."""
KEPT = 'appendonly yes\nappendfsync no\nsave ""'
"""What it is answered is in a file; nobody waits for a slow disk, and takes that for a failure."""


class Servers:
    """redis-server processes of our own, each in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.processes: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, port: int, config: str, *words: str) -> None:
        """A server on a port, up."""
        place = self._folder / str(port)
        place.mkdir(exist_ok=True)
        file = place / "redis.conf"
        if not file.exists():
            file.write_text(f"port {port}\nbind 127.0.0.1\ndir {place}\nlogfile {place}/log\n{config}\n")
        server = shutil.which("redis-server")
        assert server is not None
        self.processes[port] = subprocess.Popen([server, str(file), *words], cwd=place, stdout=subprocess.DEVNULL)
        until(lambda: self.answers(port), 10, f"the server on {port} answers")

    def answers(self, port: int) -> bool:
        """Whether a server is there."""
        with redis.Redis(port=port, socket_timeout=1) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def kill(self, port: int) -> None:
        """`kill -9`."""
        self.processes[port].kill()
        self.processes[port].wait(10)

    def close(self) -> None:
        """End them all, by their own handles."""
        for process in self.processes.values():
            process.kill()
            process.wait(10)


@contextmanager
def company() -> Iterator[Servers]:
    """Servers that are ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="tidal-") as folder:
        made = Servers(Path(folder))
        try:
            yield made
        finally:
            made.close()


def with_sentinels(servers: Servers) -> tuple[str, int]:
    """A primary, a replica, three Sentinels: their URL, and the primary's port."""
    primary, replica, *watchers = [own_port() for _ in range(5)]
    servers.start(primary, KEPT)
    servers.start(replica, f"{KEPT}\nreplicaof 127.0.0.1 {primary}")
    with redis.Redis(port=replica, decode_responses=True) as client:
        until(lambda: client.info("replication")["master_link_status"] == "up", 20, "the replica follows")
    for port in watchers:
        watch = f"sentinel monitor shop 127.0.0.1 {primary} 2\nsentinel down-after-milliseconds shop 1000"
        servers.start(port, f"{watch}\nsentinel failover-timeout shop 5000", "--sentinel")
    for port in watchers:
        with redis.Redis(port=port, decode_responses=True) as client:
            until(lambda c=client: _knows_all(c), 20, "the Sentinels know each other")
    return f"redis+sentinel://{','.join(f'127.0.0.1:{port}' for port in watchers)}/shop", primary


def _knows_all(client: redis.Redis) -> bool:
    state = client.sentinel_master("shop")
    return int(state["num-other-sentinels"]) == 2 and int(state["num-slaves"]) == 1


def cluster_of_three(servers: Servers) -> tuple[str, list[int]]:
    """Three primaries with a replica each: their URL, and the primaries' ports."""
    ports = [own_port(BUS) for _ in range(6)]
    for port in ports:
        servers.start(port, f"{KEPT}\ncluster-enabled yes\ncluster-node-timeout 1500")
    first, *rest = ports
    clients = {port: redis.Redis(port=port, decode_responses=True) for port in ports}
    for port in rest:
        clients[first].execute_command("CLUSTER", "MEET", "127.0.0.1", port)
    bounds = [0, 5_461, 10_923, 16_384]
    for number, port in enumerate(ports[:3]):
        clients[port].execute_command("CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
    until(lambda: all(_nodes(client) == 6 for client in clients.values()), 30, "the nodes know each other")
    for primary, replica in zip(ports[:3], ports[3:], strict=True):
        clients[replica].execute_command("CLUSTER", "REPLICATE", clients[primary].execute_command("CLUSTER", "MYID"))
    for port in ports[3:]:
        until(lambda c=clients[port]: c.info("replication").get("master_link_status") == "up", 30, "a replica follows")
    until(lambda: all(_is_ok(client) for client in clients.values()), 30, "the cluster is up")
    for client in clients.values():
        client.close()
    return f"redis+cluster://{','.join(f'127.0.0.1:{port}' for port in ports[:3])}", ports[:3]


def _nodes(client: redis.Redis) -> int:
    return len(_text(client, "NODES").splitlines())


def _is_ok(client: redis.Redis) -> bool:
    return "cluster_state:ok" in _text(client, "INFO")


def _text(client: redis.Redis, what: str) -> str:
    """The server's own text: redis-py makes something of it under some names."""
    found = client.execute_command("CLUSTER " + what)
    return found if isinstance(found, str) else "\n".join(f"{k}:{v}" for k, v in dict(found).items())
