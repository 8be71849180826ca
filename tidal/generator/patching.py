"""gevent's patch of the standard library."""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from gevent import monkey

from tidal.installed import entry_points, packages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GROUPS = "gevent.plugins."
"""How the names of the groups begin that gevent asks for."""


def patch() -> None:
    """Make the standard library cooperative, once; LOCUST_SKIP_MONKEY_PATCH in the environment prevents it.

    For scripts that run users in their own process.
    """
    if not os.environ.get("LOCUST_SKIP_MONKEY_PATCH") and not monkey.is_module_patched("socket"):
        patch_all()
        from tidal.generator.scopes import watch_sleeping  # noqa: PLC0415 - what it imports is to be patched

        watch_sleeping()


def patch_all() -> None:
    """What `gevent.monkey.patch_all` does, its plugins looked up once.

    It asks 25 times which there are, and each time the files of every installed package are read: 100 ms where there
    are a hundred (docs/decisions/0069). Here they are read once, and only those that speak of gevent are understood.
    """
    with _told(_Installed(plugins())):
        monkey.patch_all()


class Plugin(NamedTuple):
    """An entry point of an installed package: where what it offers is, as `module:name`."""

    group: str
    value: str

    def load(self) -> Any:
        """What it offers."""
        module, _, names = self.value.partition("[")[0].strip().partition(":")
        found: Any = import_module(module.strip())
        for name in filter(None, names.strip().split(".")):
            found = getattr(found, name)
        return found


class _Installed(ModuleType):
    """What stands for `importlib.metadata` while gevent asks it: the real one brings zipfile and email along."""

    def __init__(self, found: Sequence[Plugin]) -> None:
        super().__init__("importlib.metadata")
        self._found = found

    def entry_points(self, *, group: str) -> list[Plugin]:
        """The plugins of a group."""
        return [plugin for plugin in self._found if plugin.group == group]


@contextmanager
def _told(module: ModuleType) -> Iterator[None]:
    """A block in which this module is what is imported by its name, whatever was before."""
    name = module.__name__
    before, importlib.metadata = sys.modules.get(name), module
    sys.modules[name] = module
    try:
        yield
    finally:
        del sys.modules[name], importlib.metadata
        if before is not None:
            sys.modules[name] = importlib.metadata = before


def plugins(places: Sequence[str] | None = None) -> list[Plugin]:
    """Gevent's plugins of all packages that are installed in these folders, or where Python looks."""
    return [plugin for package in packages(places).values() for plugin in _understood(entry_points(package))]


def _understood(data: bytes) -> Iterator[Plugin]:
    """What entry_points.txt says of gevent's groups: `[group]`, then lines of `name = module:name`."""
    group = ""
    for line in data.decode(errors="replace").splitlines() if GROUPS.encode() in data else ():
        word = line.strip()
        if word.startswith("["):
            group = word[1:].partition("]")[0].strip()
        elif group.startswith(GROUPS) and "=" in word and not word.startswith(("#", ";")):
            yield Plugin(group, word.partition("=")[2].strip())
