"""What the benchmarks ask: nginx where it is installed, else a small asyncio server.

    /page 13 bytes · /big 10 KB · /cookies 13 bytes and a cookie · /close 13 bytes, and the connection ends

The server's own cost is in no figure, but a slow one keeps the clients from being busy: the table names it.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

HELLO = b"Hello, World!"
BIG = b"0123456789abcdef" * 640
NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 30000; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600; tcp_nodelay on; default_type text/plain;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port} backlog=4096; listen 127.0.0.1:{tls_port} ssl backlog=4096;
    ssl_certificate {folder}/cert; ssl_certificate_key {folder}/key;
    ssl_protocols TLSv1.2 TLSv1.3;
    root {folder}/www;
    location /page {{ return 200 "Hello, World!"; }}
    location /cookies {{
      add_header Set-Cookie "session=0123456789abcdef; Path=/; HttpOnly"; return 200 "Hello, World!";
    }}
    location /close {{ keepalive_timeout 0; return 200 "Hello, World!"; }}
  }}
}}
"""


class Target(NamedTuple):
    """Where to ask."""

    name: str
    url: str
    tls_url: str


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _certify(folder: Path) -> None:
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(folder / "key")]
    argv += ["-out", str(folder / "cert"), "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(argv, check=True, capture_output=True)


@contextmanager
def serving() -> Iterator[Target]:
    """A server while the block lasts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx's workers are somebody else where it runs as root
        _certify(folder)
        (folder / "www").mkdir()
        (folder / "www" / "big").write_bytes(BIG)
        nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
        port, tls_port = _free_port(), _free_port()
        if nginx:
            (folder / "conf").write_text(NGINX.format(folder=folder, port=port, tls_port=tls_port))
            argv = [nginx, "-c", str(folder / "conf"), "-p", name]
        else:
            argv = [sys.executable, __file__, str(port), str(tls_port), name]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            try:
                _await(port)
                yield Target(
                    "nginx" if nginx else "asyncio", f"http://127.0.0.1:{port}", f"https://127.0.0.1:{tls_port}"
                )
            finally:
                process.terminate()


def _await(port: int) -> None:
    until_s = time.monotonic() + 10
    while time.monotonic() < until_s:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise SystemExit("the server does not come up")


class _Answering(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        """Remember where to write to."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer whatever ends like a head; a body must come in the same packet."""
        if b"\r\n\r\n" not in data:
            return
        path = data.split(b" ", 2)[1]
        body = BIG if path == b"/big" else HELLO
        more = b"Set-Cookie: session=0123456789abcdef; Path=/; HttpOnly\r\n" if path == b"/cookies" else b""
        more += b"Connection: close\r\n" if path == b"/close" else b""
        head = b"HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n" % len(body)
        self._transport.write(head + more + b"\r\n" + body)
        if path == b"/close":
            self._transport.close()


async def _serve(port: int, tls_port: int, folder: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/cert", f"{folder}/key")
    loop = asyncio.get_running_loop()
    await loop.create_server(_Answering, "127.0.0.1", tls_port, ssl=context, backlog=4096)
    server = await loop.create_server(_Answering, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
