"""The locustfile: imported as Locust does it, described as classes, or refused with the reason in one line.

The folder of the file comes first in `sys.path`, then the root; the working folder is the root. `import locust` gives
tidal's own surface (`tidal.compat`).
"""

from __future__ import annotations

import difflib
import importlib.machinery
import importlib.util
import math
import os
import sys
import traceback
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidal import compat
from tidal.generator.needs import OpenedFiles, needs
from tidal.generator.recorder import tidy
from tidal.model.events import TEXT_MAX, TRACEBACK_MAX, ClassSpec
from tidal.model.pipe import Load, Loaded, NotLoaded
from tidal.users import HttpUser, User

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_RESERVED = {"locust", "tidal"} | set(sys.stdlib_module_names)


class Refused(Exception):
    """The locustfile will not do; `answer` says why."""

    def __init__(self, error: str, why: str, trace: str = "") -> None:
        super().__init__(why)
        self.answer = NotLoaded(error, tidy(why, TEXT_MAX), tidy(trace[-TRACEBACK_MAX:], TRACEBACK_MAX))


def load(order: Load) -> tuple[Loaded | NotLoaded, dict[str, type[User]]]:
    """Import the file; the answer for the agent, and the user classes by name (none when it was refused)."""
    try:
        root, file = _paths(order)
        opened = OpenedFiles()
        with opened.watch() if order.side != "worker" else _nothing():
            module = _import(root, file, order.side)
        classes = _chosen(user_classes(module), order)
        specs = tuple(spec(name, cls) for name, cls in classes.items())
        taken = needs(root, file, opened.paths) if order.side != "worker" else ()
    except Refused as refused:
        return refused.answer, {}
    return Loaded(specs, taken), classes


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _paths(order: Load) -> tuple[Path, Path]:
    """The root and the file, both absolute; the process now works in the root."""
    root = Path(order.root).resolve()
    file = root / order.file
    if not file.is_file():
        raise Refused("NoSuchFile", f"{file}: {'a folder, not a file' if file.is_dir() else 'no such file'}")
    os.chdir(root)
    folder = str(file.parent)
    sys.path[:] = list(dict.fromkeys([folder, str(root), *sys.path]))
    return root, file


def _import(root: Path, file: Path, side: str) -> ModuleType:
    compat.install()
    name = "locustfile" if file.stem in _RESERVED or file.stem in sys.modules else file.stem
    loader = importlib.machinery.SourceFileLoader(name, str(file))
    module = importlib.util.module_from_spec(importlib.machinery.ModuleSpec(name, loader, origin=str(file)))
    module.__file__ = str(file)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except SyntaxError as error:
        raise Refused("FileSyntaxError", _syntax_text(root, error), _trace(error)) from error
    except BaseException as error:  # a locustfile may raise or exit as it likes
        raise _refusal(root, error, side) from error
    return module


def _refusal(root: Path, error: BaseException, side: str) -> Refused:
    place = _place(root, error)
    if side == "worker" and isinstance(error, ModuleNotFoundError) and error.name:
        why = f"{place}: this worker has no module {error.name!r}: install it here, or --ship it if it is yours"
        return Refused("NotShipped", why, _trace(error))
    if side == "worker" and isinstance(error, FileNotFoundError) and error.filename:
        why = f"{place}: this worker has no file {error.filename!r}: --ship it"
        return Refused("NotShipped", why, _trace(error))
    why = f"{place}: {type(error).__name__}: {tidy(error, 500)}"
    if isinstance(error, ImportError) and (error.name or "").partition(".")[0] == "locust" and "tidal does" not in why:
        why += ": tidal does not have this part of Locust"
    return Refused("FileImportError", why, _trace(error))


def _syntax_text(root: Path, error: SyntaxError) -> str:
    """Place and message; below them the line and a caret."""
    where = f"{_relative(root, error.filename or '?')}:{error.lineno}"
    line = (error.text or "").rstrip("\n").expandtabs(1)
    if not line.strip():
        return f"{where}: {error.msg}"
    indent = len(line) - len(line.lstrip())
    caret = " " * max(0, (error.offset or 1) - 1 - indent)
    return f"{where}: {error.msg}\n  {line.strip()}\n  {caret}^"


def _place(root: Path, error: BaseException) -> str:
    """The innermost line of the user's own files, as file:line."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if _relative(root, f.filename) != f.filename]
    return f"{_relative(root, frames[-1].filename)}:{frames[-1].lineno}" if frames else "?"


def _relative(root: Path, name: str) -> str:
    try:
        return str(Path(name).resolve().relative_to(root))
    except (OSError, ValueError):
        return name


def _trace(error: BaseException) -> str:
    """The traceback without our own frames at its head."""
    tb = error.__traceback__
    while tb is not None and tb.tb_next is not None and tb.tb_frame.f_code.co_filename == __file__:
        tb = tb.tb_next
    return "".join(traceback.format_exception(type(error), error, tb))


def user_classes(module: ModuleType) -> dict[str, type[User]]:
    """The classes of a module that can run, by name, in the order of their declaration."""
    found = {cls.__name__: cls for cls in vars(module).values() if isinstance(cls, type) and issubclass(cls, User)}
    classes = {name: cls for name, cls in found.items() if not cls.abstract}
    if not classes:
        abstract = [name for name, cls in found.items() if cls not in (User, HttpUser)]
        hint = f"; {', '.join(abstract)} is abstract" if abstract else ""
        raise Refused("NoUserClass", f"{Path(module.__file__ or '').name}: no class of HttpUser or User{hint}")
    return classes


def _chosen(classes: dict[str, type[User]], order: Load) -> dict[str, type[User]]:
    """The classes that were asked for; all when none was."""
    for name in order.options.classes:
        if name not in classes:
            near = difflib.get_close_matches(name, classes, 3, 0.4) or list(classes)
            raise Refused("UnknownUserClass", f"{order.file}: no user class {name!r}; there is {', '.join(near)}")
    return {name: classes[name] for name in order.options.classes} or classes


def spec(name: str, cls: type[User]) -> ClassSpec:
    """A user class in plain values."""
    try:
        weight, fixed = float(cls.weight), int(cls.fixed_count)
    except (TypeError, ValueError):
        weight, fixed = math.nan, 0
    if not 0 <= weight < math.inf or fixed < 0:
        why = f"{name}: weight and fixed_count are numbers from 0, not {cls.weight!r} and {cls.fixed_count!r}"
        raise Refused("FileImportError", why)
    needs_host = issubclass(cls, HttpUser)
    return ClassSpec(name, weight, fixed, str(cls.host or ""), needs_host, task_shares(cls.tasks))


def task_shares(tasks: Any) -> tuple[tuple[str, float], ...]:
    """Each task's name and share of the picks."""
    counts = Counter(str(getattr(task, "__name__", type(task).__name__)) for task in tasks)
    return tuple((name, count / len(tasks)) for name, count in counts.items())
