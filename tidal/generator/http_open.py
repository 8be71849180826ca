"""How a plain connection of `HttpUser` is opened without urllib3, and what urllib3 says when that fails.

What urllib3 costs here is its connection object, a resolver's thread even for an address, and gevent's socket with a
timer for each wait: four fifths of a request that has a connection to itself.
"""

from __future__ import annotations

import _socket
import socket
from contextlib import suppress
from functools import partial
from types import FunctionType, SimpleNamespace
from typing import Any

import gevent.socket
import urllib3.connection
from urllib3 import connectionpool
from urllib3.util import connection

from tidal.generator.fast_client import connected

_OPENING_CODE: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (connection, ("create_connection", "_set_socket_options")),
    (connectionpool.HTTPConnectionPool, ("_new_conn",)),
    (urllib3.connection.HTTPConnection, ("__init__", "connect", "_new_conn")),
    (gevent.socket.socket, ("__init__", "connect")),
)
_ORIGINALS = tuple((owner, name, getattr(owner, name)) for owner, names in _OPENING_CODE for name in names)
_new_conn: Any = vars(urllib3.connection.HTTPConnection)["_new_conn"]
_getaddrinfo = socket.getaddrinfo
_OPTIONS = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
"""What `connected` sets, too."""


def opens_as_usual(pool: Any) -> bool:
    """Whether a connection of the pool would be opened as urllib3 does it by default."""
    for owner, name, original in _ORIGINALS:
        if getattr(owner, name) is not original:
            return False
    return (
        socket.socket is gevent.socket.socket
        and urllib3.connection.HTTPConnection.default_socket_options == _OPTIONS
        and pool.conn_kw.keys() <= {"blocksize"}
        and not (pool.proxy or pool.block)
    )


def made(pool: Any) -> Any:
    """A connection as the pool makes them."""
    return pool.ConnectionCls(host=pool.host, port=pool.port, timeout=pool.timeout.connect_timeout, **pool.conn_kw)


def connected_to(host: str, port: int, timeout_s: float) -> Any:
    """A connected socket, of the addresses that urllib3 would try, in their order; the last one's error."""
    last: OSError | None = None
    for family, kind, protocol, _, address in _addresses(host, port):
        try:
            return connected(_socket.socket(family, kind, protocol), address, timeout_s)
        except OSError as error:
            last = error
    raise last or OSError("getaddrinfo returns an empty list")


def _addresses(host: str, port: int) -> Any:
    if socket.getaddrinfo is _getaddrinfo:  # a file may have put its own in its place
        with suppress(OSError):  # an address needs no resolver
            socket.inet_pton(socket.AF_INET, host)
            return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))]
    return socket.getaddrinfo(host, port, connection.allowed_gai_family(), socket.SOCK_STREAM)


def with_failure(conn: Any, failure: OSError) -> Any:
    """The connection, whose next attempt to connect is this failure: in urllib3's words, so by its own code."""

    def create_connection(*_: Any, **__: Any) -> Any:
        raise failure

    scope = {**vars(urllib3.connection), "connection": SimpleNamespace(create_connection=create_connection)}
    conn._new_conn = partial(FunctionType(_new_conn.__code__, scope), conn)  # noqa: SLF001 - what `connect` calls
    return conn
