"""How many requests of many users find their connection gone: a server that counts connections, requests and users.

From descriptor 1,024 on `select` fails, and a client that asks it whether its connection is alive makes another.
"""

from __future__ import annotations

import asyncio
import re
import threading
from dataclasses import dataclass, field
from typing import Any

from compare import load

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
RATE = 1_000
USER = re.compile(rb"[?]id=(\d+)-")
"""Of `load.py --task params`: each user has an id of its own in its URLs."""


@dataclass
class Counts:
    """What a server saw."""

    connections: int = 0
    requests: int = 0
    users: set[bytes] = field(default_factory=set)


class Counting(asyncio.Protocol):
    """Answers each head; counts connections and requests of its server."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Count it."""
        self._transport = transport
        self._counts.connections += 1

    def data_received(self, data: bytes) -> None:
        """Count and answer."""
        heads = data.count(b"\r\n\r\n")
        self._counts.requests += heads
        self._counts.users.update(USER.findall(data))
        self._transport.write(ANSWER * heads)


def reconnects(side: str, kind: str, users: int, seconds: float) -> float:
    """The share of requests, in percent, that opened a connection though their user had one."""
    counts, loop = Counts(), asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: Counting(counts), "127.0.0.1", 0, backlog=4096))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    words = ["--task", "params", "--users", str(users), "--rate", str(RATE), "--seconds", str(seconds)]
    try:
        load(side, url, ["--kind", kind, *words])
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
    known = len(counts.users)
    return (counts.connections - known) / max(1, counts.requests - known) * 100
