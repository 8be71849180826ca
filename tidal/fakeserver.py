"""The last resort: a Redis made of Python (fakeredis) on a loopback port, when no real server can be started.

It keeps nothing on disk: when it dies the log is gone from Redis, and only the archive is left. Three things are
different from fakeredis's own TCP server: replies larger than the socket's buffer are sent whole (there they break the
connection), nobody gets in without the password, and the listening socket is inherited, so that a successor answers at
the same address.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import threading
import time
from hmac import compare_digest
from io import BufferedIOBase
from typing import TYPE_CHECKING

from fakeredis import TcpFakeServer
from fakeredis._clients._tcp_server import TCPFakeRequestHandler

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

SEND_S = 10.0
"""A client that does not read for so long is cut off."""
LOGIN_S = 5.0
WORD_BYTES_MAX = 512


class WholeWriter(BufferedIOBase):
    """Writes every byte to a socket that does not block, waiting for room as long as a client reads at all."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def write(self, data: ReadableBuffer) -> int:
        """Send all of `data`; ConnectionError when there is no room for `SEND_S`."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._connection.send(rest) :]
            except BlockingIOError:
                if not select.select([], [self._connection], [], SEND_S)[1]:
                    raise ConnectionError("the client does not read") from None
        return memoryview(data).nbytes

    def flush(self) -> None:
        """Nothing is kept back."""


class Handler(TCPFakeRequestHandler):
    """One client: first the password, then fakeredis."""

    server: Server

    def setup(self) -> None:
        """Replace the writer that breaks on a full buffer."""
        super().setup()
        self.wfile = WholeWriter(self.connection)
        self.writer.writer = self.wfile

    def handle(self) -> None:
        """Let in whoever knows the password."""
        self.connection.settimeout(LOGIN_S)
        try:
            welcome = self._log_in()
        except (OSError, ValueError):
            return
        self.connection.settimeout(None)
        os.set_blocking(self.connection.fileno(), False)
        if welcome:
            super().handle()

    def _log_in(self) -> bool:
        words = read_command(self.rfile)
        if len(words) in (2, 3) and words[0].upper() == b"AUTH" and compare_digest(words[-1], self.server.password):
            self.connection.sendall(b"+OK\r\n")
            return True
        self.connection.sendall(b"-WRONGPASS invalid username-password pair or user is disabled.\r\n")
        return False


class Server(TcpFakeServer):
    """fakeredis behind a listening socket that somebody else opened."""

    def __init__(self, listener: socket.socket, password: str) -> None:
        super().__init__(listener.getsockname(), bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_address = listener.getsockname()
        self.password = password.encode()
        self.RequestHandlerClass = Handler
        self.daemon_threads = True


def read_command(stream: BufferedIOBase) -> list[bytes]:
    """One short command, an array of bulk strings; ValueError for anything else."""
    words = []
    for _ in range(_number(stream, b"*", 8)):
        size = _number(stream, b"$", WORD_BYTES_MAX)
        words.append(stream.read(size + 2)[:size])
    return words


def _number(stream: BufferedIOBase, sign: bytes, limit: int) -> int:
    line = stream.readline(32)
    if line[:1] != sign or not 0 <= int(line[1:]) <= limit:
        raise ValueError("not the beginning of a command")
    return int(line[1:])


def main() -> int:
    """Run as `python -m tidal.fakeserver` with `{"fd": …, "password": …}` on stdin; ends with its parent."""
    parent = os.getppid()
    orders = json.loads(sys.stdin.buffer.read())
    server = Server(socket.socket(fileno=orders["fd"]), orders["password"])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while os.getppid() == parent:
        time.sleep(0.5)
    return 0


if __name__ == "__main__":
    sys.exit(main())
