"""HTTP/1.1 with keep-alive: bytes in, one answer at a time out, per connection.

Requests are cut from the buffer by `cut_request`, which is pure; `Connection` is the thin shell around it.
The server is for loopback and trusts nobody: heads and bodies are bounded, what it does not speak gets a 4xx
and a closed connection.
"""

from __future__ import annotations

import asyncio
import errno
import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from tidal.errors import PortTaken
from tidal.target.counts import Counts
from tidal.target.lab import CLOSE, Asked, lab_answer
from tidal.target.pages import Reply, answer
from tidal.target.queues import queue_answer

if TYPE_CHECKING:
    from random import Random

HEAD_BYTES_MAX = 16_384
BODY_BYTES_MAX = 1 << 20
BACKLOG = 1_024


class BadRequest(Exception):
    """What came is not a request that this server speaks; carries the status to answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"answered with {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """A request that came whole."""

    method: str
    target: str
    keep_alive: bool
    size: int  # bytes of head and body
    headers: dict[str, str]  # names in lower case
    body: bytes


def cut_request(buffer: bytes | bytearray) -> Request | None:
    """The first whole request in the buffer; None when more bytes are needed; BadRequest for nonsense."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0 and len(buffer) <= HEAD_BYTES_MAX:
        return None
    if end < 0 or end > HEAD_BYTES_MAX:
        raise BadRequest(431)
    first, *lines = buffer[:end].decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    size = end + 4 + _body_length(headers)
    if len(buffer) < size:
        return None
    method, target, version = _request_line(first)
    default = "keep-alive" if version == "HTTP/1.1" else "close"
    keep_alive = headers.get("connection", default).lower() != "close"
    return Request(method, target, keep_alive, size, headers, bytes(buffer[end + 4 : size]))


def _request_line(line: str) -> tuple[str, str, str]:
    parts = line.split(" ")
    if len(parts) != 3 or not parts[1].startswith("/") or parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest(400)
    return parts[0], parts[1], parts[2]


def _body_length(headers: dict[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise BadRequest(411)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise BadRequest(400)
    if len(length) > 9 or int(length) > BODY_BYTES_MAX:
        raise BadRequest(413)
    return int(length)


def response(reply: Reply, *, keep_alive: bool, body: bool = True) -> bytes:
    """The bytes of an answer; without its body for HEAD."""
    more = "".join(f"{name}: {value}\r\n" for name, value in reply.headers)
    head = (
        f"HTTP/1.1 {reply.status} {_phrase(reply.status)}\r\n"
        f"Content-Type: {reply.content_type}\r\n"
        f"Content-Length: {len(reply.body)}\r\n"
        f"{more}Connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
    )
    return head.encode("ascii") + (reply.body if body else b"")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unnamed"


class Connection(asyncio.Protocol):
    """One client: reads a request, answers it after its delay, then looks for the next."""

    def __init__(self, counts: Counts, luck: Random) -> None:
        self._counts = counts
        self._luck = luck
        self._buffer = bytearray()
        self._pending: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._transport = cast("asyncio.Transport", transport)
        self._counts.connections += 1
        self._counts.open_connections += 1

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The client went away; an answer that was due is aborted."""
        self._counts.open_connections -= 1
        self._transport = None
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None
            self._counts.aborted += 1

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self._buffer += data
        if len(self._buffer) > HEAD_BYTES_MAX + BODY_BYTES_MAX and self._transport is not None:
            self._transport.close()  # a pipeline without end
            return
        self._next()

    def _next(self) -> None:
        if self._pending is not None or self._transport is None:
            return
        try:
            request = cut_request(self._buffer)
        except BadRequest as bad:
            self._transport.write(response(Reply("", bad.status, b"{}", 0), keep_alive=False))
            self._transport.close()
            return
        if request is not None:
            del self._buffer[: request.size]
            self._serve(request)

    def _serve(self, request: Request) -> None:
        if request.target.startswith("/__") and (told := self._told(request.target)) is not None:
            self._write(request, Reply("", 200, json.dumps(told).encode(), 0))
            return
        reply = self._reply("GET" if request.method == "HEAD" else request.method, request)
        headers = request.headers
        at_ms = time.time_ns() // 1_000_000
        self._counts.came(reply.endpoint, at_ms, headers.get("x-user", ""), headers.get("x-sender", ""))
        self._pending = asyncio.get_running_loop().call_later(reply.delay_s, self._answer, request, reply)

    def _told(self, target: str) -> dict[str, object] | None:
        """What was counted, for whoever asks; None for a page of the shop."""
        path, _, number = target.partition("?from=")
        if path == "/__arrivals":
            return self._counts.arrivals_from(int(number) if number.isascii() and number.isdigit() else 0)
        if target == "/__reset":
            self._counts.reset()
        return self._counts.as_dict() if target in ("/__counts", "/__reset") else None

    def _reply(self, method: str, request: Request) -> Reply:
        asked = Asked(method, request.target, request.headers, request.body, self._counts.by_path)
        queued = queue_answer(request.target, time.monotonic(), self._luck, self._counts.queues)
        return queued or lab_answer(asked) or answer(method, request.target, self._luck)

    def _answer(self, request: Request, reply: Reply) -> None:
        self._pending = None
        self._counts.went(reply.status, request.headers.get("x-user", ""))
        if reply.status == CLOSE and self._transport is not None:
            self._transport.close()
        else:
            self._write(request, reply)

    def _write(self, request: Request, reply: Reply) -> None:
        if self._transport is None:
            return
        self._transport.write(response(reply, keep_alive=request.keep_alive, body=request.method != "HEAD"))
        if request.keep_alive:
            self._next()
        else:
            self._transport.close()


async def listen(host: str, port: int, luck: Random, counts: Counts | None = None) -> asyncio.Server:
    """A listening server; port 0 takes a free one. Raises PortTaken."""
    counts = Counts() if counts is None else counts
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_server(lambda: Connection(counts, luck), host, port, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"port {port} is taken: choose another with --port, or 0 for any free one") from None
        raise


def port_of(server: asyncio.Server) -> int:
    """The port that a server listens on."""
    return int(server.sockets[0].getsockname()[1])
