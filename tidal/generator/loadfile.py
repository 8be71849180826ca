"""The locustfile: imported as Locust does it, described as classes, or refused with the reason in one line.

The folder of the file comes first in `sys.path`, then the root, then the working folder. `import locust` gives tidal's
own surface (`tidal.compat`).
"""

from __future__ import annotations

import faulthandler
import importlib.machinery
import importlib.util
import os
import sys
import traceback
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from tidal import compat
from tidal.errors import TidalError
from tidal.feeds import relative_files
from tidal.generator import otel
from tidal.generator.advice import advice
from tidal.generator.arguments import ArgumentsRefused, file_parser, read
from tidal.generator.discovery import Refused, chosen, nobody, shape_classes, spec, thresholds, user_classes
from tidal.generator.home import home
from tidal.generator.needs import OpenedFiles, below, needs
from tidal.generator.plugins import import_plugins
from tidal.generator.pytestfile import pytest_users
from tidal.generator.recorder import tidy
from tidal.hooks import events
from tidal.lastwords import STACKS_S
from tidal.model.pipe import Loaded
from tidal.model.struct import replace
from tidal.planfile import declared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from tidal.model.pipe import ArgumentSpec, Load, NotLoaded
    from tidal.shape import LoadTestShape
    from tidal.users import User

_RESERVED = {"locust", "tidal"} | set(sys.stdlib_module_names)


def load(order: Load) -> tuple[Loaded | NotLoaded, dict[str, type[User]]]:
    """Import the files; the answer for the agent, and the user classes by name (none when they were refused)."""
    faulthandler.enable()  # a crash in C, now or later, says where it was
    if order.side == "inspect":  # and so does an import without an end
        faulthandler.dump_traceback_later(STACKS_S)
    try:
        return _load(order)
    except Refused as refused:
        return refused.answer, {}
    finally:
        faulthandler.cancel_dump_traceback_later()


def _load(order: Load) -> tuple[Loaded, dict[str, type[User]]]:
    if order.options.use_otel and (why := otel.refusal()):
        raise Refused("UsageError", why)
    root, files = _paths(order)
    opened = OpenedFiles()
    relative_files.clear()
    with opened.watch() if order.side != "worker" else _nothing():
        compat.install(patch=False)
        import_plugins()
        before = set(sys.modules)
        modules = [_import(root, file, order.side, before) for file in files]
        found = user_classes(modules) or pytest_users(modules)
    if not found:
        raise nobody(modules)
    classes = chosen(found, order.options, order.file)
    if order.side == "inspect":
        _check_data(root)
    taken = needs(root, files, opened.paths) if order.side != "worker" else ()
    described = _describe(order, classes, shape_classes(modules), taken)
    return replace(described, thresholds=thresholds(modules) if order.side == "inspect" else ()), classes


def _describe(
    order: Load, classes: dict[str, type[User]], shapes: dict[str, type[LoadTestShape]], taken: tuple[str, ...]
) -> Loaded:
    """The file in plain values; its own arguments are read where the command line is at hand."""
    arguments: tuple[ArgumentSpec, ...] = ()
    defaults: tuple[tuple[str, str], ...] = ()
    if order.side == "inspect":
        try:
            parser = file_parser(events)
            arguments, defaults = read(parser, order.words, os.environ), parser.said
        except ArgumentsRefused as refused:
            raise Refused("UsageError", str(refused)) from refused
    shape = next(iter(shapes), "")
    return Loaded(
        tuple(spec(name, cls) for name, cls in classes.items()),
        taken,
        arguments=arguments,
        shape=shape,
        shape_uses_options=bool(shape and shapes[shape].use_common_options),
        hooks=events.listened(),
        plan=declared(),
        defaults=defaults,
    )


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _paths(order: Load) -> tuple[Path, list[Path]]:
    """The root and the files, all absolute; the process now works where the command was given, or in the root."""
    root = Path(order.root).resolve()
    files = [root / name for name in (order.file, *order.more_files)]
    for file in files:
        if not file.is_file():
            raise Refused("NoSuchFile", f"{file}: {'a folder, not a file' if file.is_dir() else 'no such file'}")
    os.chdir(order.cwd or root)
    home[:] = [str(root)]
    folders = [str(file.parent) for file in files]
    sys.path[:] = list(dict.fromkeys([*folders, str(root), str(Path.cwd()), *sys.path]))
    return root, files


def _import(root: Path, file: Path, side: str, before: set[str]) -> ModuleType:
    """A file as a module; the one that there is when another of the files has imported it just now."""
    known = sys.modules.get(file.stem)
    if known is not None and file.stem not in before and getattr(known, "__file__", None) == str(file):
        return known
    try:
        return import_file(file)
    except SyntaxError as error:
        raise Refused("FileSyntaxError", _syntax_text(root, file, error), _trace(error)) from error
    except BaseException as error:  # a locustfile may raise or exit as it likes
        raise _refusal(root, error, side) from error


def import_file(file: Path) -> ModuleType:
    """A file as a module, run anew."""
    name = _module_name(file)
    loader = importlib.machinery.SourceFileLoader(name, str(file))
    module = importlib.util.module_from_spec(importlib.machinery.ModuleSpec(name, loader, origin=str(file)))
    module.__file__ = str(file)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


def _module_name(file: Path) -> str:
    """The file's own name, unless a module has it: `json.py` must not become the json of everybody."""
    name = "locustfile" if file.stem in _RESERVED or file.stem in sys.modules else file.stem
    others = (f"{name}_{number}" for number in count(2))
    return next(free for free in chain([name], others) if free not in sys.modules)


def _check_data(root: Path) -> None:
    """Refuse a feed's file that was named by a relative path and cannot go with the others."""
    for path in relative_files:
        if below(root, path) is None:
            why = f"{path} cannot go with the locustfile: it is hidden, or outside of {root}"
            raise Refused("NotShipped", f"{why}; put it on every worker and name it by its absolute path")


def _refusal(root: Path, error: BaseException, side: str) -> Refused:
    place = _place(root, error)
    if isinstance(error, TidalError):  # ours, raised in a line of the file's
        name = next(cls.__name__ for cls in type(error).__mro__ if cls.__module__ == TidalError.__module__)
        return Refused(name, f"{place}: {tidy(error, 500)}", _trace(error))
    if side == "worker" and isinstance(error, ModuleNotFoundError) and error.name:
        why = f"{place}: this worker has no module {error.name!r}: install it here, or --ship it if it is yours"
        return Refused("NotShipped", why, _trace(error))
    if side == "worker" and isinstance(error, FileNotFoundError) and error.filename:
        why = f"{place}: this worker has no file {error.filename!r}: --ship it"
        return Refused("NotShipped", why, _trace(error))
    return Refused(
        "FileImportError", f"{place}: {type(error).__name__}: {tidy(error, 500)}{advice(error)}", _trace(error)
    )


def _syntax_text(root: Path, file: Path, error: SyntaxError) -> str:
    """Place and message; below them the line and a caret. What is no text at all has no place: then the file's name."""
    where = _relative(root, error.filename or str(file)) + (f":{error.lineno}" if error.lineno else "")
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
