"""A server that answers /a/INDEX with `answer_of(seed, INDEX)`, and remembers what it was asked, byte by byte."""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from contextlib import suppress
from typing import IO

from answers import answer_of

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
WARM = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwarm"
PIECE_S = 0.002


class ScriptedServer:
    """One thread for each connection.

    Attributes:
        asked: what came, in order.
        connections: how many there were.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.asked: list[bytes] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError), sock, sock.makefile("rb") as stream:
            while request := self._read(stream):
                self.asked.append(request)
                index = re.match(rb"\S+ \S*?/a/(\d+)", request)
                end = self._answer(sock, int(index[1]) if index else -1)
                if end == "reset":
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if end != "keep":
                    return

    @staticmethod
    def _read(stream: IO[bytes]) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = stream.readline()
            if not line:
                return b""
            head += line
        if b"\r\nTransfer-Encoding: chunked" in head:
            while not head.endswith(b"\r\n0\r\n\r\n"):
                head += stream.read(1)
            return head
        length = LENGTH.search(head)
        return head + (stream.read(int(length[1])) if length else b"")

    def _answer(self, sock: socket.socket, index: int) -> str:
        if index < 0:
            sock.sendall(WARM)
            return "keep"
        answer = answer_of(self._seed, index)
        for number, piece in enumerate(answer.pieces):
            if number:
                time.sleep(PIECE_S)
            sock.sendall(piece)
        return answer.end
