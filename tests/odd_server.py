"""A server on raw sockets that gives the answers which HTTP clients stumble over; one thread for each connection.

Run as a program it serves until its stdin ends, and prints its ports: plain, TLS (0 without openssl), and one where
nobody listens.
"""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import zlib
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HELLO = b"hello " * 50
SLOW_S = 20.0  # nobody waits for all of it
PIECE_S = 0.05
DRIP_S = 0.03


@dataclass
class Asked:
    """A request that came whole."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def whole(body: bytes | str = b"ok", status: str = "200 OK", *more: str, kind: str = "text/plain") -> bytes:
    """An ordinary answer, with further header lines."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(data)}", *more, "", ""]
    return "\r\n".join(lines).encode("latin-1") + data


def bare_deflate(data: bytes) -> bytes:
    """What some servers call deflate."""
    tool = zlib.compressobj(wbits=-15)
    return tool.compress(data) + tool.flush()


def raw(*lines: str, body: bytes = b"") -> bytes:
    """An answer of exactly these lines."""
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


CHUNKED = "Transfer-Encoding: chunked"
KEPT: dict[str, bytes] = {
    "/404": whole("nope", "404 Not Found"),
    "/500": whole("bad", "500 Internal Server Error"),
    "/204": raw("HTTP/1.1 204 No Content"),
    "/304": raw("HTTP/1.1 304 Not Modified", "Content-Length: 10"),
    "/299": whole("x", "299 Odd"),
    "/redir": whole("moved", "302 Found", "Location: /echo?to=1"),
    "/redir307": whole("moved", "307 Temporary Redirect", "Location: /echo"),
    "/redir404": whole("", "302 Found", "Location: /404"),
    "/loop": whole("", "302 Found", "Location: /loop"),
    "/ftp": whole("", "302 Found", "Location: ftp://x/"),
    "/cookie": whole("set", "200 OK", "Set-Cookie: a=1; Path=/", "Set-Cookie: b=2; Path=/only"),
    "/forget": whole("gone", "200 OK", "Set-Cookie: a=; Path=/; Max-Age=0"),
    "/gzip": whole(gzip.compress(HELLO), "200 OK", "Content-Encoding: gzip"),
    "/badgzip": whole(b"not gzip at all", "200 OK", "Content-Encoding: gzip"),
    "/deflate": whole(zlib.compress(HELLO), "200 OK", "Content-Encoding: deflate"),
    "/bare-deflate": whole(bare_deflate(HELLO), "200 OK", "Content-Encoding: deflate"),
    "/zstd": whole(b"?", "200 OK", "Content-Encoding: zstd"),
    "/chunked": raw("HTTP/1.1 200 OK", CHUNKED, body=b"5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n"),
    "/interim": raw("HTTP/1.1 100 Continue") + raw("HTTP/1.1 103 Early Hints", "Link: x") + whole("after"),
    "/json": whole('{"a": 1}', kind="application/json"),
    "/badjson": whole('{"a": ', kind="application/json"),
    "/empty": whole(""),
    "/latin": whole("caf\xe9".encode("latin-1"), kind="text/html"),
    "/utf8": whole("café", kind="text/html; charset=utf-8"),
    "/untyped": raw("HTTP/1.1 200 OK", "Content-Length: 5", body=b"caf\xc3\xa9"),
    "/multi": whole("m", "200 OK", "X-A: 1", "X-A: 2"),
    "/big": whole(b"x" * 300_000),
    "/lines": whole("one\ntwo\nthree"),
    "/extra": whole("ok") + b"and more",
    "/bad-length": raw("HTTP/1.1 200 OK", "Content-Length: abc", body=b"ok"),
}
"""Answers after which the connection stays."""
LAST: dict[str, bytes] = {
    "/until-end": raw("HTTP/1.1 200 OK", body=b"until the end"),
    "/http10": raw("HTTP/1.0 200 OK", "Content-Length: 2", body=b"ok"),
    "/close": whole("ok", "200 OK", "Connection: close"),
    "/close-unsaid": whole("bye"),
    "/drop": b"",
    "/half": raw("HTTP/1.1 200 OK", "Content-Length: 100", body=b"half"),
    "/half-head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "/half-chunk": raw("HTTP/1.1 200 OK", CHUNKED, body=b"5\r\nhel"),
    "/garbage": b"SSH-2.0-OpenSSH\r\n",
    "/long-head": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
}
"""Answers after which the server closes."""


BEGUN = {"/reset-head": b"HTTP/1.1 200 OK\r\nServ", "/reset-body": whole("half of it")[:-4]}
"""What comes of an answer before a reset."""


class OddServer:
    """Serves until `close`.

    Args:
        context: for TLS.
        host: an address to listen at, or the path of a Unix socket.

    Attributes:
        port: where it listens.
        connections: how many came.
        asked: the requests, in the order in which they came.
        over: set when it is closed.
    """

    def __init__(self, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.connections = 0
        self.asked: list[Asked] = []
        self.over = threading.Event()
        self._context = context
        self._listener = _listening(host)
        self.port: int = 0 if "/" in host else self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """What relative URLs begin with."""
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Take no more connections and let slow answers go."""
        self.over.set()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError), closing(connection):
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            with closing(connection), connection.makefile("rb") as stream:
                while (asked := read_request(stream)) is not None:
                    self.asked.append(asked)
                    if not self._answer(connection, asked):
                        break

    def _answer(self, connection: socket.socket, asked: Asked) -> bool:
        """Answer a request; returns whether the connection stays."""
        path = asked.path.partition("?")[0].partition("#")[0]
        own = self._own_answers().get(path)
        if own is not None:
            return own(connection, asked)
        answer = LAST.get(path, KEPT.get(path, whole()))
        if asked.method == "HEAD":
            answer = answer[: answer.find(b"\r\n\r\n") + 4]
        connection.sendall(answer)
        return path not in LAST

    def _own_answers(self) -> dict[str, Callable[[socket.socket, Asked], bool]]:
        return {
            "/echo": self._echo,
            "/reset": self._reset,
            "/reset-head": self._reset,
            "/reset-body": self._reset,
            "/slow": self._slow,
            "/slow-body": self._slow_body,
            "/drip": self._drip,
            "/late": self._late,
            "/half-closed": self._half_closed,
        }

    def _echo(self, connection: socket.socket, asked: Asked) -> bool:
        headers = {name: value for name, value in asked.headers.items() if name not in ("host", "user-agent")}
        told = {"method": asked.method, "path": asked.path, "headers": headers, "body": asked.body.decode("latin-1")}
        connection.sendall(whole(json.dumps(told) if asked.method != "HEAD" else b"", kind="application/json"))
        return True

    def _reset(self, connection: socket.socket, asked: Asked) -> bool:
        begun = BEGUN.get(asked.path, b"")
        if begun:
            connection.sendall(begun)
            while _is_unread(connection) and not self.over.wait(PIECE_S / 10):  # a reset would overtake it
                pass
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    def _slow(self, connection: socket.socket, _: Asked) -> bool:
        self.over.wait(SLOW_S)
        connection.sendall(whole("slow"))
        return True

    def _slow_body(self, connection: socket.socket, _: Asked) -> bool:
        connection.sendall(raw("HTTP/1.1 200 OK", "Content-Length: 8", body=b"slow"))
        self.over.wait(SLOW_S)
        connection.sendall(b"body")
        return True

    def _drip(self, connection: socket.socket, _: Asked) -> bool:
        """A byte now and then: the whole takes longer than a wait may."""
        for byte in whole("drip by drip"):
            connection.sendall(bytes([byte]))
            self.over.wait(DRIP_S)
        return True

    def _late(self, connection: socket.socket, _: Asked) -> bool:
        """An answer, and later one that nobody asked for, as servers say that a client was idle for too long."""
        connection.sendall(whole())
        self.over.wait(PIECE_S)
        connection.sendall(whole("too late", "408 Request Timeout"))
        return True

    def _half_closed(self, connection: socket.socket, _: Asked) -> bool:
        """An answer, and the end of what the server will say; it goes on to listen."""
        connection.sendall(whole())
        connection.shutdown(socket.SHUT_WR)
        return True


def _listening(host: str) -> socket.socket:
    """Where a server listens: an address, or the path of a Unix socket."""
    if "/" in host:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(host)
        listener.listen(64)
        return listener
    return socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=64)


def _is_unread(connection: socket.socket) -> bool:
    """Whether the other side, a process of this machine, has left in the kernel what it was sent."""
    port = f":{connection.getpeername()[1]:04X}"
    lines = map(str.split, Path("/proc/net/tcp").read_text(encoding="ascii").splitlines())
    return any(line[1].endswith(port) and not line[4].endswith(":00000000") for line in lines)


def read_request(stream: IO[bytes]) -> Asked | None:
    """The next request of a connection; None at its end."""
    first = stream.readline().decode("latin-1").split(" ")
    if len(first) != 3:
        return None
    headers = {}
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return Asked(first[0], first[1], headers, _body(stream, headers))


def _body(stream: IO[bytes], headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return stream.read(int(headers.get("content-length", "0")))
    pieces = []
    while size := int(stream.readline(), 16):
        pieces.append(stream.read(size))
        stream.readline()
    stream.readline()
    return b"".join(pieces)


def tls_context(folder: Path, names: str = "DNS:localhost,IP:127.0.0.1") -> ssl.SSLContext:
    """A server's TLS context, with a certificate that nobody vouches for, of these names."""
    key, cert = str(folder / "key.pem"), str(folder / "cert.pem")
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2"]
    argv += ["-subj", "/CN=localhost", "-addext", f"subjectAltName={names}"]
    subprocess.run(argv, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def main() -> None:
    """Serve until stdin ends."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        plain, secure = OddServer(), OddServer(tls_context(Path(folder)))
        print(plain.port, secure.port, nobody.getsockname()[1], flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
