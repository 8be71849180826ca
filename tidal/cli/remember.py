"""What the terminal remembers (a file of ours) and what its config file says (a file of the user's).

Both are small JSON and TOML. What we cannot read of our own file is forgotten; a mistake in the user's is told.
"""

from __future__ import annotations

import contextlib
import json
import os
import tomllib
from typing import TYPE_CHECKING, Any

from tidal import paths
from tidal.cli.parser import meant
from tidal.errors import UsageError
from tidal.tui.app import TidalApp, action_ids
from tidal.tui.look import Look, theme_names
from tidal.tui.memory import Settings, ShortMemory
from tidal.tui.widgets.canvas import DOTS

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

BYTES_MAX = 256 * 1024
REMEMBERED = "terminal.json"
CONFIG = "terminal.toml"


class FileMemory(ShortMemory):
    """A memory in a file, written at each change; terminals beside each other take the last word."""

    def __init__(self, path: Path) -> None:
        super().__init__(_read_json(path))
        self._path = path

    def put(self, name: str, value: Any) -> None:
        """Remember a value, also beyond this process; a disk that is full forgets."""
        if self.values.get(name) == value:
            return
        super().put(name, value)
        with contextlib.suppress(OSError):
            paths.write_atomically(self._path, json.dumps(self.values).encode())


def _read_json(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(BYTES_MAX))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def settings_of(path: Path) -> Settings:
    """The config file's settings, none where there is no file; UsageError says what is wrong in it."""
    try:
        with path.open("rb") as file:
            table = tomllib.loads(file.read(BYTES_MAX).decode())
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None
    unknown = next((key for key in table if key not in ("theme", "charts", "keys")), None)
    if unknown is not None:
        raise UsageError(f"{path}: {unknown!r} is none of theme, charts, keys")
    theme = _one_of(path, "theme", table.get("theme", ""), theme_names())
    charts = _one_of(path, "charts", table.get("charts", ""), DOTS)
    return Settings(theme, charts, _keys(path, table.get("keys", {})))


def _one_of(path: Path, name: str, value: object, known: Any) -> str:
    if value and value not in known:
        raise UsageError(f"{path}: {name} is one of {', '.join(known)}, not {value!r}{meant(str(value), known)}")
    return str(value)


def _keys(path: Path, table: object) -> dict[str, str]:
    if not isinstance(table, dict) or not all(isinstance(keys, str) and keys for keys in table.values()):
        raise UsageError(f'{path}: keys is a table of actions and keys: "view.freeze" = "z"')
    known = action_ids()
    for action in table:
        if action not in known:
            raise UsageError(f"{path}: no action {action!r} (docs/terminal.md lists them){meant(action, known)}")
    return dict(table)


def config_path() -> Path:
    """Where the config file is looked for."""
    return paths.config_dir() / CONFIG


def app_of(args: argparse.Namespace | None = None, *given: Any, **more: Any) -> TidalApp:
    """The app with what this terminal remembers, what its config file says, and what flags say beyond that."""
    settings = settings_of(config_path())
    charts = getattr(args, "charts", None) or os.environ.get("TIDAL_CHARTS") or settings.charts
    theme = getattr(args, "theme", None) or settings.theme
    look = Look.of_terminal({**os.environ, "TIDAL_CHARTS": charts})
    memory = FileMemory(paths.state_dir() / REMEMBERED)
    return TidalApp(*given, look=look, memory=memory, settings=Settings(theme, charts, settings.keys), **more)
