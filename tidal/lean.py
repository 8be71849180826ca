"""Imports that bring along less."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def without(package: str) -> Iterator[None]:
    """A block in which a package that is not imported yet seems not to be installed; afterwards it is as it was."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # what the import system takes for "there is none"
    try:
        yield
    finally:
        del sys.modules[package]


@contextmanager
def bare(package: str) -> Iterator[None]:
    """A block in which a package's modules are imported without what the package itself imports; then it is forgotten.

    ModuleNotFoundError where it is not installed.
    """
    spec = find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(f"no module named {package!r}", name=package)
    stand_in = ModuleType(package)
    stand_in.__path__ = list(spec.submodule_search_locations or ())
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == package}
    for name in before:
        del sys.modules[name]
    sys.modules[package] = stand_in
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == package]:
            del sys.modules[name]
        sys.modules.update(before)
