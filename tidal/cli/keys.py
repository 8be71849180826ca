"""Locust's keys on a terminal: w and W start one user or ten more, s and S stop one or ten."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import tty
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

STEPS = {"w": 1, "W": 10, "s": -1, "S": -10}
RATE = 100.0
"""Users a second, as Locust's keys have it."""
BYTES_MAX = 64


@contextlib.contextmanager
def listening() -> Iterator[bool]:
    """Get keys without Return for the length of a block, and put the terminal right after it; False: no terminal."""
    if not is_ours():
        yield False
        return
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    tty.setcbreak(fd)  # Ctrl-C still is a signal
    try:
        yield True
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def is_ours() -> bool:
    """Whether there is a terminal, and this process is in its foreground: another would be stopped for touching it."""
    try:
        return sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False


def pressed() -> list[int]:
    """By how many users the keys since the last look want more."""
    try:
        if not select.select([sys.stdin], [], [], 0)[0]:
            return []
        keys = os.read(sys.stdin.fileno(), BYTES_MAX)
    except (OSError, ValueError):
        return []
    return [STEPS[key] for key in keys.decode("ascii", "replace") if key in STEPS]
