"""Ports of this machine for servers that are told where to listen."""

from __future__ import annotations

import contextlib
import socket
import sys


def own_port(*above: int) -> int:
    """A loopback port that is nobody else's while this process lives, with the ports that lie so far `above` it.

    A socket of ours is bound to it and does not listen. On Linux a server that reuses addresses, as all do, listens
    there all the same, and comes back there; who asks for any free port is given another. Elsewhere it was free a
    moment ago.
    """
    while True:
        held: list[socket.socket] = []
        with contextlib.suppress(OSError, OverflowError):  # a port above is another's, or beyond the last
            port = _bound(0, held)
            for distance in above:
                _bound(port + distance, held)
            for one in held:
                one.detach() if sys.platform == "linux" else one.close()
            return port
        for one in held:
            one.close()


def _bound(port: int, held: list[socket.socket]) -> int:
    held.append(one := socket.socket())
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("127.0.0.1", port))
    return int(one.getsockname()[1])
