"""Which connection a request takes: the ones that a user keeps, by origin.

The connection used last is taken first. Only who has as many requests under way as `concurrency` allows has to wait.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib import import_module
from ssl import CERT_NONE, CERT_REQUIRED, PROTOCOL_TLS_CLIENT, SSLContext, create_default_context
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from gevent.event import Event

from tidal.generator.fast_client import Connection, TlsConnection, connect, connect_unix
from tidal.generator.fast_parse import AnswerParser
from tidal.generator.fast_url import UNIX

if TYPE_CHECKING:
    from collections.abc import Callable


class Host:
    """The connections to one origin."""

    __slots__ = ("_freed", "_open", "_pool", "_tls", "idle", "origin")

    def __init__(self, origin: tuple[str, str, int], pool: HTTPClientPool) -> None:
        self.origin = origin
        self.idle: list[Connection] = []
        self._pool = pool
        self._open = 0
        self._freed: Event | None = None
        self._tls: SSLContext | None = None

    def __repr__(self) -> str:
        scheme, host, port = self.origin
        return f"<Host {scheme}://{host}:{port} {self._open} open, {len(self.idle)} idle>"

    def take(self) -> Connection:
        """A connection for one request: to be given back by `give` or `drop`."""
        while True:
            while self.idle:
                connection = self.idle.pop()
                if connection.is_alive():
                    return connection
                self.drop(connection)
            if self._open < self._pool.concurrency:
                break
            self._await_one()
        self._open += 1
        try:
            return self._connect()
        except BaseException:
            self._close_one()
            raise

    def give(self, connection: Connection) -> None:
        """The connection may serve the next request."""
        connection.served += 1
        self.idle.append(connection)
        if self._freed is not None:
            self._freed.set()

    def drop(self, connection: Connection) -> None:
        """The connection is of no more use."""
        connection.close()
        self._close_one()

    def close(self) -> None:
        """Close what is idle."""
        while self.idle:
            self.drop(self.idle.pop())

    def _close_one(self) -> None:
        self._open -= 1
        if self._freed is not None:
            self._freed.set()

    def _await_one(self) -> None:
        if self._freed is None:
            self._freed = Event()
        self._freed.clear()
        self._freed.wait()

    def _connect(self) -> Connection:
        scheme, host, port = self.origin
        pool = self._pool
        if scheme == UNIX:
            return Connection(connect_unix(host, pool.connection_timeout), pool.network_timeout)
        sock = connect(pool.proxy_host or host, pool.proxy_port or port, pool.connection_timeout)
        if scheme == "http":
            return Connection(sock, pool.network_timeout)
        if pool.proxy_host:
            sock = _tunnelled(sock, host, port, pool.connection_timeout)
        return self._secured(sock, host)

    def _secured(self, sock: Any, host: str) -> Connection:
        pool = self._pool
        if self._tls is None:
            self._tls = pool.context()
        secure = TlsConnection(sock, pool.connection_timeout, self._tls, host)
        try:
            secure.handshake()
        except BaseException as error:
            secure.close()
            if isinstance(error, TimeoutError):
                raise TimeoutError("The handshake operation timed out") from error
            raise
        secure.timeout_s = pool.network_timeout
        return secure


def _tunnelled(sock: Any, host: str, port: int, timeout_s: float) -> Any:
    """Ask a proxy for a way through; the socket to go on with."""
    connection = Connection(sock, timeout_s)
    name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    answer = AnswerParser("HEAD")  # the tunnel's own bytes are no body
    try:
        connection.send(f"CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode("ascii"))
        while not answer.is_complete:
            if data := connection.receive():
                answer.feed(data)
            else:
                answer.end()
        if not 200 <= answer.status < 300:
            raise OSError(f"Proxy CONNECT failed: {answer.status} {answer.reason[:100]}")
        return connection.detach()
    finally:
        connection.close()


class HTTPClientPool:
    """Connections by origin, of one user or, given as `client_pool`, of many.

    Args:
        concurrency: requests that may be under way to one origin; the others wait.
        connection_timeout: for connecting, in seconds.
        network_timeout: for each wait for bytes, in seconds.
        insecure: whether certificates are taken unseen.
        ssl_context_factory: makes the TLS context of each origin, instead of one that all share.
        proxy_host: a proxy that all requests go through.
        proxy_port: its port.
    """

    def __init__(  # noqa: PLR0917 - geventhttpclient's signature
        self,
        concurrency: int = 1,
        connection_timeout: float = 5.0,
        network_timeout: float = 5.0,
        ssl_context_factory: Callable[..., Any] | None = None,
        proxy_host: str | None = None,
        proxy_port: int | None = None,
        *,
        insecure: bool = False,
    ) -> None:
        if proxy_host and not proxy_port:
            raise ValueError("a proxy_host needs its proxy_port")
        self.hosts: dict[tuple[str, str, int], Host] = {}
        self.concurrency = max(1, concurrency)
        self.connection_timeout = _seconds(connection_timeout)
        self.network_timeout = _seconds(network_timeout)
        self.insecure = insecure
        self.ssl_context_factory = ssl_context_factory
        self.proxy_host = proxy_host
        self.proxy_port = proxy_port

    def __repr__(self) -> str:
        return f"<HTTPClientPool {list(self.hosts.values())}>"

    def host(self, origin: tuple[str, str, int]) -> Host:
        """The connections to where a request goes."""
        found = self.hosts.get(origin)
        if found is None:
            found = self.hosts[origin] = Host(origin, self)
        return found

    def close(self) -> None:
        """Close what is idle; the next request connects anew."""
        for host in self.hosts.values():
            host.close()

    def __del__(self) -> None:
        connections = [connection for host in self.hosts.values() for connection in host.idle]
        if connections:  # the loop must do it: the collector runs in whatever thread it likes
            with suppress(Exception):
                connections[0].hub.loop.run_callback_threadsafe(_close_all, connections)

    def context(self) -> Any:
        """The TLS context of an origin."""
        if self.ssl_context_factory is None:
            return _insecure_context() if self.insecure else _secure_context()
        try:
            context = self.ssl_context_factory(cafile=_roots())
        except TypeError:  # it takes no arguments
            context = self.ssl_context_factory()
            context.load_verify_locations(cafile=_roots())
        context.check_hostname = not self.insecure
        if not self.insecure:
            context.verify_mode = CERT_REQUIRED
        return context


def _close_all(connections: list[Connection]) -> None:
    for connection in connections:
        connection.close()


def _seconds(timeout: float | None) -> float:
    return float("inf") if timeout is None else float(timeout)


@cache
def _insecure_context() -> SSLContext:
    context = SSLContext(PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = CERT_NONE
    return context


@cache
def _secure_context() -> SSLContext:
    return create_default_context(cafile=_roots())


@cache
def _roots() -> str:
    """The certificates that requests trusts."""
    return str(import_module("tidal.generator.http").DEFAULT_CA_BUNDLE_PATH)


_adopted: WeakKeyDictionary[Any, HTTPClientPool] = WeakKeyDictionary()


def adopt(pool: Any) -> HTTPClientPool:
    """A pool of ours with the settings of geventhttpclient's, which a file may have made; the same one each time."""
    if isinstance(pool, HTTPClientPool):
        return pool
    settings = getattr(pool, "client_args", None)
    if not isinstance(settings, dict):
        raise TypeError(f"client_pool must be an HTTPClientPool, not {type(pool).__name__}")
    if pool not in _adopted:
        _adopted[pool] = HTTPClientPool(**settings)
    return _adopted[pool]
