"""Latency that stays true when the client is busy: against a server that says itself how long it took."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from odd_server import tls_context

SCRIPT = Path(__file__).parent / "saturated.py"
TAKES_S = 0.05
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class SlowServer:
    """Answers after a while.

    Attributes:
        took_s: from the end of a request to the end of its answer, as measured here: the truth.
    """

    def __init__(self, context: object = None) -> None:
        self._context = context
        self.took_s: list[float] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError):
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True)  # type: ignore[attr-defined]
            with sock:
                while sock.recv(65_536):
                    began_s = time.perf_counter()
                    time.sleep(TAKES_S)
                    sock.sendall(ANSWER)
                    self.took_s.append(time.perf_counter() - began_s)

    def close(self) -> None:
        """Take no more."""
        self._listener.close()


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel says when bytes came on Linux alone")
@pytest.mark.parametrize("kind", ["fast", "http", "tls"])
def test_a_busy_client_does_not_lengthen_latencies(kind: str, tmp_path: Path) -> None:
    """What is measured naively is the client's own delay; without it remains what the server took."""
    if kind == "tls" and not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate")
    server = SlowServer(tls_context(tmp_path) if kind == "tls" else None)
    try:
        argv = [sys.executable, str(SCRIPT), kind, str(server.port)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=100)
    finally:
        server.close()
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["answers"] == 40
    assert told["naive"][0] > 300_000  # it was busy for 400 ms
    worst_us = max(server.took_s) * 1_000_000
    # the server's own clock bounds it, give or take a moment in which neither of both had the processor
    assert min(server.took_s) * 1_000_000 * 0.99 < told["undelayed"][0] < worst_us + 250_000
    assert told["undelayed"][0] < told["naive"][0]
    assert told["undelayed"][1] < worst_us + 250_000
