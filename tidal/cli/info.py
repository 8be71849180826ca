"""Show versions, folders and the Redis server that comes along: what a bug report needs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


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
    from tidal.versions import PACKAGES, here

    found = here()
    return {
        "tidal": found["tidal"],
        "Python": f"{found['python']} ({sys.executable})",
        "machine": found["machine"],
        **{package: found.get(package, "not installed") for package in PACKAGES},
    }


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
