"""Which files a locustfile takes along: modules beside it, files that it opens on import, and files that it names.

Only what lies below the root counts; what is hidden (`.env`, `.git`) or installed (`site-packages`) never travels.
Found in three ways: modules in `sys.modules`; an audit hook on `open` during the import; and the text of the shipped
modules (imports inside functions, string constants that are the name of a file).
"""

from __future__ import annotations

import ast
import os
import sys
import sysconfig
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NAMED_MAX = 64
_INSTALLED = {"site-packages", "dist-packages", "__pycache__", "node_modules"}


class OpenedFiles:
    """Names of the files that are opened while it watches."""

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self._watching = False

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Note every file opened in this block. An audit hook cannot be taken away, only told to look elsewhere."""
        sys.addaudithook(self._audit)
        self._watching = True
        try:
            yield
        finally:
            self._watching = False

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._watching and event == "open" and isinstance(arguments[0], str) and not _writes(arguments):
            self.paths.add(str(Path(arguments[0]).absolute()))


def _writes(arguments: tuple[Any, ...]) -> bool:
    mode = arguments[1] if len(arguments) > 1 else None
    return isinstance(mode, str) and any(letter in mode for letter in "wax+")


def needs(root: Path, files: Sequence[Path], opened: set[str]) -> tuple[str, ...]:
    """The files below `root` that `files` need, the first left out, relative to the root and sorted."""
    modules = _imported(root).union(*(_source_closure(root, file) for file in files))
    found = modules | {path for name in opened if (path := below(root, Path(name))) is not None}
    found |= _named(root, modules | set(files)) | set(files[1:])
    found.discard(files[0])
    return tuple(sorted(str(path.relative_to(root)) for path in found if path.suffix != ".pyc"))


def below(root: Path, path: Path) -> Path | None:
    """The path as a plain file below the root that may travel; None otherwise."""
    try:
        whole = (root / path).resolve()
        relative = whole.relative_to(root)
        is_file = whole.is_file()
    except (OSError, ValueError):
        return None
    stays = any(part.startswith(".") or part in _INSTALLED for part in relative.parts)
    return whole if is_file and not stays and not _is_installed(whole) else None


def _is_installed(path: Path) -> bool:
    """Whether the file belongs to an interpreter or virtual environment below the root."""
    prefix = Path(sys.prefix).resolve()
    return path.is_relative_to(prefix) and (prefix / "pyvenv.cfg").exists()


def _imported(root: Path) -> set[Path]:
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    folders = {sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")}
    libraries = tuple(f"{folder}{os.sep}" for folder in (*folders, Path(__file__).parents[1]))  # every worker has them
    own = [name for name in files if isinstance(name, str) and not name.startswith(libraries)]
    return {path for name in own if (path := below(root, Path(name))) is not None}


def _source_closure(root: Path, file: Path) -> set[Path]:
    """The modules that a file imports anywhere in its text, and those that they import."""
    found: set[Path] = set()
    todo = [file]
    while todo:
        module = todo.pop()
        for path in _imports(root, module):
            if path not in found and path != file:
                found.add(path)
                todo.append(path)
    return found


def _imports(root: Path, module: Path) -> Iterator[Path]:
    for node in _nodes(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module_files(root, (module.parent, root), alias.name)
        elif isinstance(node, ast.ImportFrom):
            up = [module.parents[min(node.level, len(module.parents)) - 1]] if node.level else [module.parent, root]
            for alias in node.names:
                yield from _module_files(root, up, ".".join(filter(None, (node.module, alias.name))))


def _module_files(root: Path, folders: Any, dotted: str) -> Iterator[Path]:
    """The files that importing a dotted name runs: the packages around it and the module."""
    parts = dotted.split(".")
    for folder in folders:
        for count in range(1, len(parts) + 1):
            stem = folder.joinpath(*parts[:count])
            for candidate in (stem.with_suffix(".py"), stem / "__init__.py"):
                if (path := below(root, candidate)) is not None:
                    yield path


def _named(root: Path, modules: set[Path]) -> set[Path]:
    """Data files that string constants name: from the root, beside the module, or in a folder that is named too."""
    found: set[Path] = set()
    for module in sorted(modules):
        texts = {n.value for n in _nodes(module) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
        names = sorted(t for t in texts if 0 < len(t) < 256 and t.isprintable() and not t.startswith("/"))
        bases = [root, module.parent]
        bases += [base / name for base in bases for name in names if _is_folder(base / name)]
        for name in names:
            found |= {path for base in bases if (path := below(root, base / name)) is not None}
            if len(found) >= NAMED_MAX:
                return set(sorted(found)[:NAMED_MAX])
    return found


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir() and path.name not in ("", ".", "..")
    except OSError:
        return False


def _nodes(module: Path) -> Iterator[ast.AST]:
    try:
        tree = ast.parse(module.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    yield from ast.walk(tree)
