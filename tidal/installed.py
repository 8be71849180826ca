"""Which packages are installed, by the names of the folders that tell of them.

`importlib.metadata`, with what it imports, takes a tenth of a start.

site-packages/redis-8.1.0.dist-info/    name and version, as the standard has it: PEP 376, PEP 491
└─ entry_points.txt        what it offers to other packages
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

TOLD_BY = (".dist-info", ".egg-info")
POINTS_BYTES_MAX = 1 << 20


class Package(NamedTuple):
    """An installed package.

    Attributes:
        version: "" where the folder's name does not say it.
        path: of the folder that tells of it.
    """

    version: str
    path: str


def packages(places: Iterable[str] | None = None) -> dict[str, Package]:
    """What is installed in these folders, or where Python looks, by its name in small letters with `_` for `-` and `.`.

    A package that is installed twice counts where it is found first, as it does for an import. What is in an archive
    is not seen.
    """
    found: dict[str, Package] = {}
    for place in sys.path if places is None else places:
        for name, path in _folders(place or "."):
            known, _, version = name.rpartition(".")[0].partition("-")
            found.setdefault(known.lower().replace(".", "_"), Package(version.partition("-")[0], path))
    return found


def entry_points(package: Package) -> bytes:
    """What a package says it offers; nothing where it says nothing."""
    try:
        with open(f"{package.path}/entry_points.txt", "rb") as file:  # noqa: PTH123 - a hundred of them, at each start
            return file.read(POINTS_BYTES_MAX)
    except OSError:
        return b""


def _folders(place: str) -> list[tuple[str, str]]:
    try:
        with os.scandir(place) as found:
            return sorted((entry.name, entry.path) for entry in found if entry.name.endswith(TOLD_BY))
    except OSError:  # not there, or an archive
        return []
