"""Waiting for conditions of real processes, with a deadline that says what was awaited."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")


PATIENCE = 4
"""How much slower than in the writer's eyes a busy machine may be: a wait costs nothing where the condition comes."""


def until(condition: Callable[[], T], within_s: float = 10.0, what: str = "") -> T:
    """What the condition returns once it is true; AssertionError at the deadline, PATIENCE times what is said."""
    end_s = time.monotonic() + PATIENCE * within_s
    while not (result := condition()):
        assert time.monotonic() < end_s, f"not within {PATIENCE} times {within_s} s: {what or condition}"
        time.sleep(0.02)
    return result


def listens(path: Path) -> bool:
    """Whether a server takes connections on a Unix socket; its file is there a moment before."""
    with socket.socket(socket.AF_UNIX) as asked:
        return asked.connect_ex(str(path)) == 0


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def all_gone(pids: Iterable[int]) -> Callable[[], bool]:
    """A condition: none of the processes runs."""
    kept = list(pids)
    return lambda: not any(alive(pid) for pid in kept)


def processes_of(home: Path | str) -> dict[int, str]:
    """Every process, pid to command line, that has this TIDAL_HOME or works in a folder below it.

    The folder, because a Redis server writes its title over its environment.
    """
    wanted = f"TIDAL_HOME={home}".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            below = str((folder / "cwd").readlink()).startswith(f"{home}/")
            if (below or wanted in (folder / "environ").read_bytes().split(b"\0")) and alive(int(folder.name)):
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found
