"""urllib3's pools for `HttpUser`, whose idle connections the session may use itself.

requests opens TLS connections, checks certificates and gives the connection back to its pool: there it waits as a
`Ride`. The session's own way (`http_swift`) takes it from there, and so does requests, whoever comes first: a user has
one connection, whichever way its requests go. A plain one the session opens itself (`Opened`).

What the session's own way cannot finish (a broken answer, a timeout, a head that only `http.client` should judge) it
hands over: requests does the same request, on the same connection, with the bytes that have come and the end that they
came to (`Replay`). So whatever is unusual is read, decided and raised by requests itself.
"""

from __future__ import annotations

import io
import socket
from contextlib import suppress
from ssl import SSLEOFError, SSLWantReadError, SSLWantWriteError, SSLZeroReturnError
from typing import Any

import gevent.socket
import gevent.ssl
from gevent import get_hub, getcurrent
from urllib3 import connectionpool

from tidal.generator.fast_client import RECEIVE_BYTES, Connection
from tidal.generator.http_open import connected_to, made, opens_as_usual, with_failure

PEEK = socket.MSG_PEEK


class Ride(Connection):
    """A connection that urllib3 opened, used without it.

    Attributes:
        conn: urllib3's connection.
    """

    __slots__ = ("conn",)

    def __init__(self, conn: Any, sock: Any) -> None:
        super().__init__(sock, float("inf"))
        self.conn = conn

    def unhitch(self) -> Any:
        """Leave the connection to urllib3."""
        self._watcher.stop()
        self._watcher.close()
        self._watcher = None
        self._sweeper.waiting.discard(self)
        return self.conn

    def close(self) -> None:
        """Close the connection."""
        if self._watcher is not None:
            self.unhitch().close()

    def allow(self, timeout_s: float) -> None:
        """Wait so long for each answer from now on."""
        self.timeout_s = timeout_s
        self._sweeper.watch(self, timeout_s)

    def is_alive(self) -> bool:
        """Whether nothing has come since the last answer, not even an end: what urllib3 asks `poll`."""
        if self.is_stale:
            return False
        try:
            self._sock.recv(1, PEEK)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False


class Opened(Ride):
    """One that the session opened: urllib3 gets to know it only when requests goes on with it."""

    __slots__ = ("_pool",)

    def __init__(self, pool: Any, sock: Any, timeout_s: float) -> None:
        Connection.__init__(self, sock, timeout_s)
        self.conn = None
        self._pool = pool

    def unhitch(self) -> Any:
        """Leave the connection to urllib3."""
        super().unhitch()
        conn, sock = made(self._pool), self._sock
        conn.sock = gevent.socket.socket(sock.family, sock.type, sock.proto, fileno=sock.detach())
        return conn

    def close(self) -> None:
        """Close the connection."""
        if self._watcher is not None:
            Connection.close(self)


class TlsRide(Ride):
    """The same with the cipher that urllib3 agreed on."""

    __slots__ = ("_tls", "_waits_first")

    def __init__(self, conn: Any, sock: Any) -> None:
        super().__init__(conn, sock)
        self.is_stamped = False  # OpenSSL reads from the socket itself
        self._tls = conn.sock._sslobj  # noqa: SLF001 - gevent's socket would take a timer for each wait
        self._waits_first = True

    def send(self, data: bytes) -> None:
        """Send all of it."""
        view = memoryview(data)
        self._waits_first = True
        while view:
            try:
                view = view[self._tls.write(view) :]
            except SSLWantWriteError:
                self._wait_writable()
            except SSLWantReadError:
                self._wait()

    def receive(self, most: int = RECEIVE_BYTES) -> bytes:
        """Wait for bytes; b"" is the end of the connection."""
        if self._waits_first and not self._tls.pending():
            self._wait_unless_stale()
        self._waits_first = False
        while True:
            try:
                data: bytes = self._tls.read(most)
            except SSLWantReadError:
                self._wait_unless_stale()
            except SSLWantWriteError:
                self._wait_writable()
            except (SSLZeroReturnError, SSLEOFError):
                return b""
            else:
                return data

    def _wait_unless_stale(self) -> None:
        if self.is_stale:  # bytes are there already
            self.is_stale = False
        else:
            self._wait()


class Replay:
    """A socket of urllib3's on which a request was sent already, and on which came what came.

    Args:
        sock: the socket itself.
        received: what came.
        end: what it came to: an exception, b"" for the end of the connection, None when it goes on.
        unsent: what kept the request from being sent.
    """

    def __init__(self, sock: Any, received: bytes, end: Any, unsent: BaseException | None = None) -> None:
        self.sock = sock
        self._received = received
        self._end = end
        self._unsent = unsent

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sock, name)

    def sendall(self, *_: Any) -> None:
        """It was sent, or was not."""
        if self._unsent is not None:
            raise self._unsent

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        """What `http.client` reads the answer from; it stays readable when the socket is closed, as any file of one."""
        rest = self.sock.makefile("rb", buffering=0) if self._end is None else None
        return io.BufferedReader(_Came(self._received, self._end, rest))


class _Came(io.RawIOBase):
    """What came, then the end that it came to, or what comes."""

    def __init__(self, received: bytes, end: Any, rest: Any) -> None:
        self._received = received
        self._end = end
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._received:
            piece, self._received = self._received[: len(buffer)], self._received[len(buffer) :]
            buffer[: len(piece)] = piece
            return len(piece)
        if isinstance(self._end, BaseException):
            raise self._end
        return 0 if self._rest is None else int(self._rest.readinto(buffer))

    def close(self) -> None:
        if self._rest is not None:
            self._rest.close()
        super().close()


class _Silent:
    """Stands for the socket of an answer that is whole."""

    def settimeout(self, _: float | None) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing is open here."""

    def shutdown(self, _: int) -> None:
        """As above."""


def _ride_on(conn: Any) -> Ride | None:
    """A ride on a connection that has come back from requests; None where gevent does not hold its socket."""
    sock: Any = conn.sock
    if type(sock) is Replay:
        sock = conn.sock = sock.sock
    if conn.proxy is not None or get_hub() is None:
        return None
    kind: Any = type(sock)
    if kind is gevent.socket.socket:
        return Ride(conn, sock._sock)  # noqa: SLF001 - the descriptor's own object: gevent's waits with timers
    if kind is gevent.ssl.SSLSocket and sock._sslobj is not None:  # noqa: SLF001 - as above
        return TlsRide(conn, sock._sock)  # noqa: SLF001 - as above
    return None


class _Keeping:
    """What both kinds of pools do besides.

    Attributes:
        rides: the idle connections, the one used last at the end.
        is_plain: whether its connections have no TLS.
        is_forgotten: whether its session would make another one now.
    """

    pool: Any
    is_plain = False
    is_forgotten = False
    rides: list[Ride]
    handed: tuple[Any, Any] | None = None  # who hands a connection over to requests, and the connection

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rides = []

    def ride(self) -> Ride | None:
        """An idle connection that is alive; requests opens one when there is none."""
        while self.rides:
            ride = self.rides.pop()
            if ride.is_alive():
                return ride
            ride.close()
        return None

    def opened(self, timeout_s: float) -> Ride | None:
        """A new connection; None when requests is to open it; OSError when nobody can."""
        pool: Any = self
        if not self.is_plain or self.pool is None or not opens_as_usual(pool):
            return None
        pool.num_connections += 1
        return Opened(self, connected_to(pool.host, pool.port, timeout_s), timeout_s)

    def keep(self, ride: Ride) -> None:
        """Let a connection wait for the next request, where urllib3 would."""
        if self.pool is not None and not self.is_forgotten and len(self.rides) < self.pool.maxsize:
            self.rides.append(ride)
        else:
            ride.close()

    def hand_failure(self, failure: OSError) -> None:
        """Let the next request of this greenlet find that it cannot connect."""
        self.handed = (getcurrent(), with_failure(made(self), failure))

    def forget(self) -> None:
        """It is no longer the pool for its origin, for its session was closed, or has newer ones."""
        self.is_forgotten = True
        _close_all(self.rides)

    def hand_over(self, ride: Ride, received: bytes, end: Any, unsent: BaseException | None) -> None:
        """Let the next request of this greenlet find its connection as it is after all this."""
        conn = ride.unhitch()
        conn.sock = Replay(conn.sock, received, end, unsent)
        self.handed = (getcurrent(), conn)

    def _get_conn(self, timeout: float | None = None) -> Any:
        handed = self.handed
        if handed is not None and handed[0] is getcurrent():
            self.handed = None
            self._take_place()
            return handed[1]
        ride = self.ride() if self.pool is not None and not getattr(self, "block", False) else None
        if ride is None:
            return super()._get_conn(timeout)  # type: ignore[misc]  # urllib3's
        self._take_place()
        return ride.unhitch()

    def _take_place(self) -> None:
        with suppress(Exception):  # Empty: more are in use than are kept
            self.pool.get(block=False)

    def _put_conn(self, conn: Any) -> None:
        if (
            conn is not None
            and self.pool is not None
            and conn.sock is not None
            and not (self.is_forgotten or self.pool.full())
        ):
            ride = _ride_on(conn)
            if ride is not None:
                self.rides.append(ride)
                conn = None
        super()._put_conn(conn)  # type: ignore[misc]  # urllib3's

    def close(self) -> None:
        """Close what is idle, as urllib3 does."""
        super().close()  # type: ignore[misc]  # urllib3's
        _close_all(self.rides)

    def __del__(self) -> None:
        rides = self.__dict__.get("rides")
        if rides:  # the loop must do it: the collector runs in whatever thread it likes
            with suppress(Exception):
                rides[0].hub.loop.run_callback_threadsafe(_close_all, rides)


def _close_all(rides: list[Ride]) -> None:
    while rides:
        rides.pop().close()


class HTTPConnectionPool(_Keeping, connectionpool.HTTPConnectionPool):
    """A pool of plain connections; it has urllib3's name, which stands in the texts of failures."""

    is_plain = True


class HTTPSConnectionPool(_Keeping, connectionpool.HTTPSConnectionPool):
    """A pool of TLS connections; its name as above."""


POOLS = {"http": HTTPConnectionPool, "https": HTTPSConnectionPool}


def raw_of(pool: Any, method: str, target: str, received: bytes, adapter: Any) -> Any:
    """urllib3's response made of the bytes of an answer, read to its end as requests does."""
    conn = pool.ConnectionCls(host=pool.host, port=pool.port)
    conn.sock = Replay(_Silent(), received, b"")
    conn.request(method, target, preload_content=False, decode_content=False)
    raw = conn.getresponse()
    raw.retries = adapter.max_retries
    raw._pool = pool  # noqa: SLF001 - as urllib3 sets it
    for _ in raw.stream(10_240, decode_content=True):
        pass
    return raw
