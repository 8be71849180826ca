"""Imports that bring along less."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


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


class _Unimported(ModuleType):
    """What stands for a module that is imported when somebody first asks it for something."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


@contextmanager
def postponed(module: str) -> Iterator[None]:
    """A block in which a module is not imported, if it is not yet: whoever asks it for something has that done.

    A package's own modules can be imported in the block without it. (importlib's LazyLoader has a module run as soon as
    anybody imports from it.)
    """
    if module in sys.modules:
        yield
        return
    package = find_spec(module.rpartition(".")[0])
    spec = PathFinder.find_spec(module, package.submodule_search_locations if package is not None else None)
    sys.modules[module] = stand_in = _Unimported(module)
    stand_in.__path__ = list(spec.submodule_search_locations or ()) if spec is not None else []
    try:
        yield
    finally:
        if sys.modules.get(module) is stand_in:
            _forget(module)


def lightly(package: str, *, no: Sequence[str] = (), later_on: Sequence[str] = ()) -> None:
    """Import a package without these packages, and without these modules until somebody needs them.

    Where its release cannot do without, it is left to be imported as it is.
    """
    try:
        with ExitStack() as less:
            for name in no:
                less.enter_context(without(name))
            for name in later_on:
                less.enter_context(postponed(name))
            import_module(package)
    except (ImportError, AttributeError):
        _forget(package)


def _forget(package: str) -> None:
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]


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
    _forget(package)
    sys.modules[package] = stand_in
    try:
        yield
    finally:
        _forget(package)
        sys.modules.update(before)
