"""As many connections as users, however many: none is opened twice, and no descriptor is too high."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent / "many_users.py"


class Counting(asyncio.Protocol):
    """Answers each head; counts connections and requests of its server."""

    def __init__(self, counts: dict[str, int], everybody: list[Any]) -> None:
        self._counts = counts
        self._everybody = everybody
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Count it."""
        self._transport = transport
        self._everybody.append(transport)
        self._counts["connections"] += 1

    def data_received(self, data: bytes) -> None:
        """Count and answer."""
        self._counts["requests"] += data.count(b"\r\n\r\n")
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" * data.count(b"\r\n\r\n"))


class Server:
    """One event loop in a thread."""

    def __init__(self) -> None:
        self.counts = {"connections": 0, "requests": 0}
        self._loop = asyncio.new_event_loop()
        self._transports: list[Any] = []
        made = self._loop.create_server(lambda: Counting(self.counts, self._transports), "127.0.0.1", 0, backlog=1024)
        self._server = self._loop.run_until_complete(made)
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def close(self) -> None:
        """Take no more, close what is open, and end the thread."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        for transport in self._transports:
            transport.abort()
        await asyncio.sleep(0)


@pytest.mark.e2e
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("kind", "users"), [("fast", 3_000), ("http", 1_500)])
def test_a_connection_for_each_user(kind: str, users: int) -> None:
    """Three requests each; from descriptor 1,024 on `select` would fail, and a client that asks it would reconnect."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < users + 500:
        pytest.skip(f"this machine allows {hard} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, users + 500), hard))
    server = Server()
    try:
        argv = [sys.executable, str(SCRIPT), kind, str(users), str(server.port)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=280)
    finally:
        server.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {"failures": []}
    assert server.counts == {"connections": users, "requests": 3 * users}
