"""One connection of a user: bytes out, bytes in, and nothing between the greenlet and the event loop.

What costs time with others is left out: no pool lock, no timer for each wait, no `select` before each request.

* One read watcher lives as long as its connection. Its callback switches straight to the greenlet that waits. When it
  fires while nobody waits, the server has closed the connection (or says something unasked): that is the check whether
  a kept-alive connection is still good, for nothing.
* A wait writes down its deadline; one timer for all connections (`Sweeper`) throws into those that are overdue.
* A request is one bytes object and, nearly always, one `send`.
"""

from __future__ import annotations

import _socket
import errno
import os
import socket
from contextlib import suppress
from ssl import MemoryBIO, SSLEOFError, SSLWantReadError, SSLZeroReturnError
from time import perf_counter
from typing import TYPE_CHECKING, Any

import gevent
import gevent.socket
from gevent import get_hub, getcurrent
from gevent.lock import Semaphore

from tidal.generator.stamps import ANCILLARY_BYTES, UNKNOWN, ask_for_stamps, delay_s, last

if TYPE_CHECKING:
    import ssl

READ, WRITE = 1, 2
RECEIVE_BYTES = 16_384
RECEIVE_BYTES_MAX = 262_144
SEND_BYTES_MAX = 1 << 20
SWEEP_S = 0.5
SWEEP_MIN_S = 0.01
UNIX_AGAIN_S = 0.005
_lookups = Semaphore(10)
"""As many as gevent's resolver has threads."""
_UNFINISHED = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR)


class Sweeper:
    """Throws TimeoutError into greenlets that have waited too long; one for each event loop.

    It runs only while somebody waits, and a loop with nothing else to do goes on for it: the connections themselves
    do not keep a loop alive.
    """

    def __init__(self, loop: Any) -> None:
        self.waiting: set[Connection | Connecting] = set()  # all that are open: a set that seldom changes
        self.is_running = False
        self._loop = loop
        self._period_s = SWEEP_S
        self._timer: Any = None

    @classmethod
    def here(cls) -> Sweeper:
        """The one of this thread's loop."""
        hub = get_hub()
        found: Sweeper | None = getattr(hub, "tidal_sweeper", None)
        if found is None:
            found = cls(hub.loop)
            hub.tidal_sweeper = found  # type: ignore[attr-defined]  # it has a dict, and lives as long as its loop
        return found

    def watch(self, connection: Connection | Connecting, timeout_s: float) -> None:
        """Look after a connection; short timeouts are looked at more often."""
        self.waiting.add(connection)
        period_s = min(SWEEP_S, max(SWEEP_MIN_S, timeout_s / 20))
        if period_s < self._period_s:
            self._period_s = period_s
            self._stop()

    def start(self) -> None:
        """Run, until a turn finds nobody waiting."""
        self.is_running = True
        self._timer = self._loop.timer(self._period_s, self._period_s)
        self._timer.start(self._sweep)

    def _stop(self) -> None:
        self.is_running = False
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None

    def _sweep(self) -> None:
        now_s = perf_counter()
        busy = [connection for connection in self.waiting if connection.waiter is not None]
        if not busy:
            self._stop()
        for connection in busy:
            if connection.deadline_s < now_s and connection.waiter is not None:
                connection.waiter.throw(TimeoutError("timed out"))


class Connection:
    """A TCP connection.

    Attributes:
        waiter: the greenlet that waits for it.
        deadline_s: until when, by `perf_counter`.
        is_stale: bytes or an end came while nobody waited.
        served: answers that it has brought.
        is_stamped: whether the kernel says when bytes came.
        delay_s: how long those received last lay in the kernel; negative: not known.
        is_cut: whether the server closed it while an answer was awaited.
        hub: the greenlet of its event loop.
    """

    __slots__ = (
        "__weakref__",
        "_is_watching",
        "_sock",
        "_sweeper",
        "_watcher",
        "deadline_s",
        "delay_s",
        "hub",
        "is_cut",
        "is_stale",
        "is_stamped",
        "served",
        "timeout_s",
        "waiter",
    )

    def __init__(self, sock: _socket.socket, timeout_s: float) -> None:
        self._sock = sock
        self.hub = get_hub()
        self._watcher: Any = self.hub.loop.io(sock.fileno(), READ, ref=False)
        self._is_watching = False
        self._sweeper = Sweeper.here()
        self._sweeper.watch(self, timeout_s)
        self.timeout_s = timeout_s
        self.deadline_s = 0.0
        self.waiter: Any = None
        self.is_stale = False
        self.served = 0
        self.is_cut = False
        self.is_stamped = ask_for_stamps(sock)
        self.delay_s = UNKNOWN

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self._sock.fileno()}, {self.served} served{', stale' if self.is_stale else ''}>"
        )

    def close(self) -> None:
        """Close it; more than once does no harm."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None
        self._sweeper.waiting.discard(self)
        self._sock.close()
        self.is_stale = True

    def detach(self) -> _socket.socket:
        """A socket of its own for whoever goes on with the connection; this one is to be closed."""
        sock = _socket.socket(self._sock.family, self._sock.type, self._sock.proto, fileno=os.dup(self._sock.fileno()))
        sock.setblocking(False)  # noqa: FBT003 - its signature
        return sock

    # ------------------------------------------------------------------ waiting

    def _wait(self) -> None:
        """Until something came, in the calling greenlet; TimeoutError after `timeout_s`."""
        if not self._sweeper.is_running:
            self._sweeper.start()
        if not self._is_watching:
            self._is_watching = True
            self._watcher.start(self._on_readable)
        self.deadline_s = perf_counter() + self.timeout_s
        self.waiter = getcurrent()
        try:
            self.hub.switch()
        finally:
            self.waiter = None

    def _on_readable(self) -> None:
        """Called by the loop."""
        waiter = self.waiter
        if waiter is not None:
            waiter.switch()
        else:  # and the loop would say so again and again
            self._rest()
            self.is_stale = True

    def _rest(self) -> None:
        self._is_watching = False
        self._watcher.stop()

    def _wait_writable(self) -> None:
        if self._is_watching:
            self._rest()  # what comes meanwhile must not wake who waits to send
        if not self._sweeper.is_running:
            self._sweeper.start()
        watcher = self.hub.loop.io(self._sock.fileno(), WRITE, ref=False)
        self.deadline_s = perf_counter() + self.timeout_s
        waiter = self.waiter = getcurrent()
        watcher.start(waiter.switch)
        try:
            self.hub.switch()
        finally:
            self.waiter = None
            watcher.stop()
            watcher.close()

    # ------------------------------------------------------------------ bytes

    def send(self, data: bytes) -> None:
        """Send all of it."""
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            sent = 0
        if sent != len(data):
            self._send_rest(memoryview(data)[sent:])

    def _send_rest(self, view: memoryview) -> None:
        while view:
            self._wait_writable()
            with suppress(BlockingIOError):
                view = view[self._sock.send(view) :]

    def receive(self, most: int = RECEIVE_BYTES) -> bytes:
        """Wait for bytes; b"" is the end of the connection."""
        while True:
            if self.is_stale:  # they are there already
                self.is_stale = False
            else:
                self._wait()
            try:
                if not (self.is_stamped and last.is_due()):
                    self.delay_s = UNKNOWN
                    return self._sock.recv(most)
                data, ancillary, _, _ = self._sock.recvmsg(most, ANCILLARY_BYTES)
            except BlockingIOError:
                continue
            self.delay_s = delay_s(ancillary)
            return data

    def is_alive(self) -> bool:
        """Whether the server still awaits a request on it, as far as one can know."""
        return not self.is_stale


class TlsConnection(Connection):
    """A TLS connection: the same sockets and waits, with the cipher between them in memory."""

    __slots__ = ("_in", "_out", "_tls")

    def __init__(self, sock: _socket.socket, timeout_s: float, context: ssl.SSLContext, host: str) -> None:
        super().__init__(sock, timeout_s)
        self._in, self._out = MemoryBIO(), MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=host)

    def handshake(self) -> None:
        """Agree on keys; SSLError when that fails."""
        is_stamped, self.is_stamped = self.is_stamped, False  # only answers are looked at, and every n-th in turn
        while True:
            try:
                self._tls.do_handshake()
            except SSLWantReadError:
                self._flush()
                self._take_in()
            except BaseException:
                with suppress(OSError):
                    self._flush()  # the alert that tells the server why
                raise
            else:
                self._flush()
                self.is_stamped = is_stamped
                return

    def _take_in(self) -> None:
        raw = super().receive()
        if raw:
            self._in.write(raw)
        else:
            self._in.write_eof()

    def _flush(self) -> None:
        if self._out.pending:
            super().send(self._out.read())

    def send(self, data: bytes) -> None:
        """Send all of it."""
        if len(data) <= SEND_BYTES_MAX:
            self._tls.write(data)
            super().send(self._out.read())
            return
        for start in range(0, len(data), SEND_BYTES_MAX):
            self._tls.write(data[start : start + SEND_BYTES_MAX])
            super().send(self._out.read())

    def receive(self, most: int = RECEIVE_BYTES) -> bytes:
        """Wait for bytes; b"" is the end of the connection."""
        while True:
            self._take_in_up_to(most)
            data = self._decrypted()
            if data is not None:
                return data

    def _take_in_up_to(self, most: int) -> None:
        raw = super().receive(most)
        if raw:
            self._in.write(raw)
        else:
            self._in.write_eof()

    def _decrypted(self) -> bytes | None:
        """Everything that can be read now; None when the records in hand say nothing (tickets) or are not whole."""
        pieces: list[bytes] = []
        try:
            while not pieces or self._in.pending or self._tls.pending():
                piece = self._tls.read(RECEIVE_BYTES)  # as much as a record holds
                if not piece:
                    break
                pieces.append(piece)
        except SSLWantReadError:
            if not pieces:
                self._flush()
                return None
        except (SSLZeroReturnError, SSLEOFError):  # its polite end, and the one that most servers make
            pass
        return b"".join(pieces)

    def is_alive(self) -> bool:
        """Whether the server still awaits a request on it; what came meanwhile may be no more than a ticket."""
        if not self.is_stale:
            return True
        try:
            self._in.write(self._sock.recv(RECEIVE_BYTES))
            alive = self._decrypted() is None and not self._in.eof
        except OSError:
            return False
        self.is_stale = not alive
        return alive


def connect(host: str, port: int, timeout_s: float) -> _socket.socket:
    """A connected, non-blocking socket; the OSError of the first address when none answers."""
    first: OSError | None = None
    for family, kind, protocol, _, address in addresses(host, port):
        try:
            return connected(_socket.socket(family, kind, protocol), address, timeout_s)
        except OSError as error:
            first = first or error
    raise first or OSError(f"no address of {host}:{port}")


def addresses(host: str, port: int) -> list[Any]:
    """Where a name leads, as `getaddrinfo` says it."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError, ValueError):  # an address needs no resolver
            socket.inet_pton(family, host)
            return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))]
    with _lookups:
        found = gevent.spawn(_looked_up, host, port).get()  # the resolver calls deeply: not on the stack of a user
    if isinstance(found, BaseException):
        raise found
    return list(found)


def _looked_up(host: str, port: int) -> Any:
    """What the resolver says, or raises."""
    try:
        return gevent.socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        return error


def connect_unix(path: str, timeout_s: float) -> _socket.socket:
    """A connected, non-blocking socket of a server on this machine; an OSError that names its path."""
    if not hasattr(socket, "AF_UNIX"):
        raise OSError(errno.EAFNOSUPPORT, f"Unix socket {path}: this platform has none")
    sock = _socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)  # noqa: FBT003 - its signature
        until_s = perf_counter() + timeout_s
        while code := sock.connect_ex(path):
            if code != errno.EAGAIN:
                raise OSError(code, f"Unix socket {path}: {os.strerror(code)}")  # noqa: TRY301 - closed below
            if perf_counter() > until_s:  # its queue is full, and no watcher would say when it is not
                raise TimeoutError("timed out")  # noqa: TRY301 - as above
            gevent.sleep(UNIX_AGAIN_S)
    except BaseException:
        sock.close()
        raise
    return sock


def connected(sock: _socket.socket, address: Any, timeout_s: float) -> _socket.socket:
    """The socket, non-blocking and connected; an OSError says why it could not be."""
    try:
        sock.setblocking(False)  # noqa: FBT003 - its signature
        code = sock.connect_ex(address)
        if code in _UNFINISHED:
            code = _await_connect(sock, timeout_s)
        if code:
            raise OSError(code, os.strerror(code))  # noqa: TRY301 - the socket is closed below
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


class Connecting:
    """What the sweeper looks at while a connection comes about."""

    __slots__ = ("deadline_s", "waiter")

    def __init__(self, deadline_s: float) -> None:
        self.deadline_s = deadline_s
        self.waiter: Any = getcurrent()


def _await_connect(sock: _socket.socket, timeout_s: float) -> int:
    """Wait until a connect is through; its error number.

    gevent's own `wait` would do, but for its timer and the depth of its calls: a user that goes no deeper needs one
    page of Python's stack, and pages are never given back (docs/decisions/0064).
    """
    hub, sweeper, connecting = get_hub(), Sweeper.here(), Connecting(perf_counter() + timeout_s)
    watcher = hub.loop.io(sock.fileno(), WRITE)
    try:
        watcher.start(connecting.waiter.switch)
        sweeper.watch(connecting, timeout_s)
        if not sweeper.is_running:
            sweeper.start()
        hub.switch()
    finally:
        sweeper.waiting.discard(connecting)
        watcher.stop()
        watcher.close()
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
