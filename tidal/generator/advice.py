"""What to do about an error that a locustfile raised when it was imported, as far as that can be known."""

from __future__ import annotations

import builtins
import re
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import tidal

if TYPE_CHECKING:
    from collections.abc import Iterable

LIKELY = {"gevent", "locust", "requests", "tidal"}
_NOT_IN = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")


def advice(error: BaseException) -> str:
    """A hint that goes on where the error's message ends; "" when nobody knows."""
    if isinstance(error, ImportError):
        return _of_import(error)
    if isinstance(error, NameError) and error.name:
        if error.name in tidal.__all__:
            return f": write `from tidal import {error.name}` at the head of the file"
        return _near(error.name, [*tidal.__all__, *dir(builtins)])
    if isinstance(error, AttributeError) and error.name and isinstance(error.obj, type(sys) | type):
        return _namesake(getattr(error.obj, "__name__", "")) or _near(error.name, dir(error.obj))
    if isinstance(error, FileNotFoundError) and error.filename and not Path(str(error.filename)).is_absolute():
        return f": relative names are meant from {Path.cwd()}"
    return ""


def _of_import(error: ImportError) -> str:
    module = error.name or ""
    top = module.partition(".")[0]
    if top == "locust":
        return "" if "tidal does" in str(error) else ": tidal does not have this part of Locust"
    if isinstance(error, ModuleNotFoundError):
        hint = _near(top, sys.stdlib_module_names | LIKELY)
        return hint or f": install it (pip install {top}?), or put {top}.py beside the file"
    found = _NOT_IN.search(str(error))
    return _namesake(top) or (_near(found[1], dir(sys.modules.get(found[2]))) if found else "")


def _namesake(module: str) -> str:
    """What to do when Python's module was found instead of a file of its name, or the file instead of the module."""
    is_both = module in sys.stdlib_module_names | LIKELY and Path(f"{module}.py").exists()
    return f": a library is called {module}, too: give your {module}.py another name" if is_both else ""


def _near(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, 1, 0.7)
    return f": did you mean {near[0]}?" if near else ""
