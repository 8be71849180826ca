"""How late a process wakes up that does nothing but sleep: what the machine makes of time, and not tidal.

A test on a busy machine sees late requests. Those that come while nobody was given the processor say nothing of a run,
so the test keeps a sleeper beside it, which writes down how late it woke each time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

STEP_S = 0.02
NOTED_MS = 20
PER_REQUEST = 2
"""A request waits for two processes at least: the generator and the target."""


class Stalls:
    """A sleeper, until `close`.

    Args:
        path: where it writes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sleeper = subprocess.Popen([sys.executable, __file__, str(path)])

    def __repr__(self) -> str:
        return f"<Stalls {self._path}>"

    def excuse_ms(self, from_ms: int, to_ms: int) -> int:
        """How much later than its time a request may have come within this span."""
        rows = self._path.read_text(encoding="ascii").splitlines(keepends=True) if self._path.exists() else []
        stalls = [tuple(map(int, row.split())) for row in rows if row.endswith("\n")]
        within = [late_ms for woke_ms, late_ms in stalls if woke_ms > from_ms and woke_ms - late_ms < to_ms]
        return PER_REQUEST * max(within, default=0)

    def close(self) -> None:
        """End it."""
        self._sleeper.kill()
        self._sleeper.wait()


def watch(path: Path) -> None:
    """Sleep and wake, as long as the test lives."""
    parent = os.getppid()
    with path.open("a", encoding="ascii", buffering=1) as file:
        while os.getppid() == parent:
            due_s = time.monotonic() + STEP_S
            time.sleep(STEP_S)
            late_ms = int((time.monotonic() - due_s) * 1000)
            if late_ms >= NOTED_MS:
                file.write(f"{time.time_ns() // 1_000_000} {late_ms}\n")


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
