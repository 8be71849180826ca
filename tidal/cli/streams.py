"""The three standard streams as the command line needs them: there, and forgiving.

A shell, a cron or a service manager may start a program with some of them closed (`tidal run … >&-`). Python then has
`None` in their place, and the next file, socket or pipe that is opened gets their numbers: whatever is started
afterwards would take it for them.
"""

from __future__ import annotations

import os
import sys
from typing import IO

STDOUT = "-"
"""What a file's name stands for standard output."""


def open_streams() -> None:
    """Put the null device where a standard stream is closed, and question marks where a terminal lacks a letter."""
    number = os.open(os.devnull, os.O_RDWR)
    while number <= 2:  # the three of them: one gets the lowest free number
        os.set_inheritable(number, True)  # noqa: FBT003 - it takes no keyword
        number = os.open(os.devnull, os.O_RDWR)
    os.close(number)
    sys.stdin = sys.stdin or open(0, encoding="utf8", closefd=False)  # noqa: SIM115 - open as long as we live
    sys.stdout = sys.stdout or open(1, "w", encoding="utf8", closefd=False)  # noqa: SIM115 - open as long as we live
    sys.stderr = sys.stderr or open(2, "w", encoding="utf8", closefd=False)  # noqa: SIM115 - open as long as we live
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def drop_output() -> None:
    """Let what is still to be written to standard output go nowhere: Python would try, and complain, as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def show(text: str, out: IO[str] | None = None) -> None:
    """Print what a command found: that its reader had enough changes nothing of the code that it ends with."""
    try:
        print(text, file=out, flush=True)
    except BrokenPipeError:
        drop_output()


def say(trouble: str) -> None:
    """On standard error, what somebody has to know of what stands on standard output; "" is nothing."""
    if trouble:
        print(f"tidal: {trouble}", file=sys.stderr)


def lines_to(json_file: str | None) -> IO[str]:
    """Where text goes when JSON may want standard output for itself."""
    return sys.stderr if json_file == STDOUT else sys.stdout
