"""A TCP proxy between a process and Redis that can be told to misbehave, as networks do."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PASS, CUT, HOLE, SWALLOW, SLOW = "pass", "cut", "hole", "swallow", "slow"
"""Forward · close everything and refuse · drop every packet (half-open) · drop the replies · forward late."""
CHUNK_BYTES = 65_536
SLOW_S = 0.15
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: a close is a reset


class Pair:
    """One connection through the proxy: two sockets and a thread for each direction."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._is_spoilt = False  # an answer was dropped: what follows would be taken for it
        for source, sink, is_reply in ((client, server, False), (server, client, True)):
            threading.Thread(target=self._pump, args=(source, sink, is_reply), daemon=True).start()

    def __repr__(self) -> str:
        return f"<Pair {'spoilt' if self._is_spoilt else 'whole'}>"

    def _pump(self, source: socket.socket, sink: socket.socket, is_reply: bool) -> None:  # noqa: FBT001 - a thread's
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                self._proxy.wait_while_hole()
                if is_reply and self._proxy.mode == SWALLOW:
                    self._is_spoilt = True
                    continue
                if self._is_spoilt:
                    break
                if self._proxy.mode == SLOW:
                    time.sleep(SLOW_S)
                sink.sendall(data)
        self.close()

    def close(self) -> None:
        """End both sides with a reset."""
        for end in (self._client, self._server):
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                end.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                end.close()


class Proxy:
    """Listens on loopback and forwards to a Unix socket; `mode` may be set at any moment.

    Attributes:
        mode: what it does with bytes.
        url: for who wants to reach Redis through it.
    """

    def __init__(self, upstream: Path) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        self.mode = PASS
        self._changed = threading.Condition()
        self._pairs: list[Pair] = []
        self._is_over = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<Proxy {self.mode}, {len(self._pairs)} connections so far>"

    def set(self, mode: str) -> None:
        """Change what it does; CUT also ends what is open, and nobody waits in a hole any more."""
        with self._changed:
            was, self.mode = self.mode, mode
            self._changed.notify_all()
        if mode == CUT or was == SWALLOW:
            self.drop()

    def drop(self) -> None:
        """End every connection; new ones are welcome."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.close()

    def wait_while_hole(self) -> None:
        """Hold bytes back as long as packets are dropped: TCP would send them again."""
        with self._changed:
            self._changed.wait_for(lambda: self.mode != HOLE)

    def close(self) -> None:
        """End it."""
        self._is_over = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listener.close()
        self.set(CUT)

    def _accept(self) -> None:
        while not self._is_over:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.wait_while_hole()
            if self.mode == CUT or self._is_over:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                client.close()
                continue
            self._forward(client)

    def _forward(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(str(self._upstream))
        except OSError:  # Redis is away
            server.close()
            client.close()
            return
        self._pairs.append(Pair(self, client, server))
