"""The shop as a child process, for the length of a block."""

from __future__ import annotations

import select
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tidal.errors import TidalError
from tidal.process import Child, python_argv

if TYPE_CHECKING:
    from collections.abc import Iterator

START_S = 20.0
STOP_S = 2.0


@contextmanager
def shop() -> Iterator[str]:
    """Start the shop on a free port; its URL. It ends with the block, or with this process however that ends."""
    child = Child(python_argv("tidal.target", "--port", "0"), None, answers_on_stdout=True)
    try:
        yield f"http://127.0.0.1:{_port(child)}"
    finally:
        child.stop(STOP_S)


def _port(child: Child) -> int:
    until_s = time.monotonic() + START_S
    said = b""
    while not said.endswith(b"\n"):
        select.select([child.answers_fd], [], [], max(0, until_s - time.monotonic()))
        said += child.receive()
        if child.ended or time.monotonic() > until_s:
            raise TidalError(f"the demo's shop did not start (it said {said[:100]!r})")
    return int(said)
