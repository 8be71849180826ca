"""Ways to Redis, by URL: one server, a service that Sentinels watch over, a cluster.

    redis://HOST:PORT/DB                              one server; rediss:// with TLS, unix:///PATH for a socket
    redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/DB   whoever is the service's primary now, as the Sentinels say
    redis+cluster://HOST:PORT,HOST:PORT               a cluster, by any of its nodes

All three are redis-py's own clients with the same settings: RESP2, short timeouts, and no retries, for only the caller
knows the identity of what it wrote. A node of a cluster is recognised behind a plain URL, too. In a cluster each
command goes straight to the node that has its key, on a plain client of that node; a redirection means that nothing
happened, so it is an error like any other, after which the slots are asked for anew.
"""

from __future__ import annotations

import re
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from tidal import address
from tidal.address import mask
from tidal.errors import UsageError
from tidal.lean import lightly
from tidal.model.text import clean

# Metrics that nobody asks for, its version, which it is told not to tell, and asyncio: a third of its import.
lightly("redis", no=["opentelemetry"], later_on=["importlib.metadata", "redis.asyncio"])

import redis  # noqa: E402 - lightly
from redis.backoff import NoBackoff  # noqa: E402 - the same
from redis.cluster import ClusterNode, RedisCluster  # noqa: E402 - the same
from redis.connection import parse_url  # noqa: E402 - the same
from redis.retry import Retry  # noqa: E402 - the same
from redis.sentinel import Sentinel  # noqa: E402 - the same

rx = redis.exceptions
"""For `bus`, too: whoever imports redis first decides what comes along."""

REDIRECTIONS = ("MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN")
SENTINEL_PORT, PORT = 26_379, 6_379


class Route(Protocol):
    """How to get to the server that has a key."""

    def at(self, key: str) -> Any:
        """The client of the server that has a key."""
        ...

    def failed(self, error: BaseException) -> None:
        """An error came from there: the servers may have other parts now."""
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...


class One:
    """Everything is at one client: of one server, or of a service's primary."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def at(self, key: str) -> Any:
        """The client."""
        del key
        return self._client

    def failed(self, error: BaseException) -> None:
        """Nothing to do: the next call connects anew, and asks the Sentinels where."""

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()


class Cluster:
    """The nodes of a cluster, by slot.

    Args:
        nodes: (host, port) of some of them.
        settings: of every connection.
    """

    def __init__(self, nodes: list[tuple[str, int]], settings: dict[str, Any]) -> None:
        self._nodes, self._settings = nodes, settings
        self._cluster: RedisCluster | None = None
        self._is_stale = False

    def at(self, key: str) -> Any:
        """The client of the node that has a key; asks for the slots when they are not known or have moved."""
        if self._cluster is None:
            startup = [ClusterNode(host, port) for host, port in self._nodes]  # type: ignore[no-untyped-call]
            self._cluster = RedisCluster(startup_nodes=startup, require_full_coverage=False, **self._settings)
        elif self._is_stale:
            self._cluster.nodes_manager.initialize()
        self._is_stale = False
        slot = self._cluster.keyslot(key)  # type: ignore[no-untyped-call]
        node = self._cluster.nodes_manager.get_node_from_slot(slot)
        return self._cluster.get_redis_connection(node)

    def failed(self, error: BaseException) -> None:
        """Ask for the slots before the next command when it went to the wrong node, or to one that is gone."""
        is_gone = isinstance(error, (rx.ConnectionError, rx.TimeoutError, OSError, rx.RedisClusterException))
        self._is_stale = self._is_stale or is_gone or is_redirection(error)

    def close(self) -> None:
        """Let go of the connections."""
        if self._cluster is not None:
            self._cluster.close()


def is_redirection(error: BaseException) -> bool:
    """Whether a node of a cluster says that a key is not, or not now, at it: nothing happened then."""
    words = str(error).rpartition(" caused error: ")[2]
    return isinstance(error, (rx.MovedError, rx.AskError, rx.TryAgainError)) or words.startswith(REDIRECTIONS)


def settings_of(role: str, timeout_s: float) -> dict[str, Any]:
    """What every connection of ours has, whatever a URL says."""
    return {
        "protocol": 2,  # XREAD answers differ between protocols; 2 is what every server and fakeredis speak alike
        "decode_responses": False,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s / 2,
        "socket_keepalive": True,
        "health_check_interval": 0,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
        "client_name": "tidal-" + re.sub(r"[^\w.-]", "-", role),
        "driver_info": None,  # no CLIENT SETINFO: users with few rights would fill the server's list of denials
    }


def route(url: str, role: str, timeout_s: float) -> Route:
    """The way that a URL names; UsageError when it names none."""
    ours = settings_of(role, timeout_s)
    address.check(url)
    scheme = url.partition("://")[0]
    if scheme.endswith("+sentinel"):
        return One(_primary(url, ours))
    if scheme.endswith("+cluster"):
        return Cluster(_hosts(url, PORT), {**_login(url), **ours})
    if url.startswith("unix"):
        del ours["socket_keepalive"]
    ours["retry_on_timeout"] = False  # a URL may say otherwise
    try:
        pool = redis.ConnectionPool(**{**parse_url(url), **ours})  # type: ignore[no-untyped-call]
        pool.connection_class(**pool.connection_kwargs)  # it connects later, and knows its parameters now
    except (ValueError, TypeError) as error:
        why = str(error).rpartition("__init__() ")[2]
        raise UsageError(f"{mask(url)} is not the URL of a Redis: {clean(why, 200)}") from None
    return One(redis.Redis(connection_pool=pool))


def cluster_behind(url: str, role: str, timeout_s: float) -> Cluster:
    """The cluster of which a plain URL names one node."""
    return Cluster(_hosts(url, PORT), {**_login(url), **settings_of(role, timeout_s)})


def _primary(url: str, ours: dict[str, Any]) -> redis.Redis:
    """A client of whoever is the primary of a service."""
    path = [part for part in urlsplit(url).path.split("/") if part]
    if not path or (len(path) > 1 and not path[1].isdigit()):
        raise UsageError(f"{mask(url)}: which service? redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/DB")
    login = _login(url)
    theirs = {"username": login.pop("sentinel_username", None), "password": login.pop("sentinel_password", None)}
    tls = {name: value for name, value in login.items() if name.startswith("ssl")}
    hosts = _hosts(url, SENTINEL_PORT)
    sentinels = Sentinel(hosts, sentinel_kwargs={**theirs, **tls, **ours})  # type: ignore[no-untyped-call]
    db = int(path[1]) if len(path) > 1 else 0
    primary: redis.Redis = sentinels.master_for(path[0], db=db, **login, **ours)  # type: ignore[no-untyped-call]
    return primary


def _hosts(url: str, port: int) -> list[tuple[str, int]]:
    """The hosts with their ports."""
    place = urlsplit(url).netloc.rpartition("@")[2]
    found = (re.fullmatch(r"(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?", host) for host in place.split(","))
    hosts = [(match[1].strip("[]"), int(match[2] or port)) for match in found if match]
    if len(hosts) != place.count(",") + 1:
        raise UsageError(f"{mask(url)}: hosts are written HOST:PORT,HOST:PORT")
    return hosts


def _login(url: str) -> dict[str, Any]:
    """User, password, TLS and the rest of what a URL says."""
    parts = urlsplit(url)
    login, _, _ = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    said: dict[str, Any] = {name: values[0] for name, values in parse_qs(parts.query).items()}
    known = {n: v for n, v in said.items() if n.startswith("ssl_") or n in {"sentinel_username", "sentinel_password"}}
    if "ssl_check_hostname" in known:
        known["ssl_check_hostname"] = known["ssl_check_hostname"].lower() not in {"0", "no", "false"}
    if user:
        known["username"] = unquote(user)
    if password:
        known["password"] = unquote(password)
    if parts.scheme.startswith("rediss"):
        known["ssl"] = True
    return known
