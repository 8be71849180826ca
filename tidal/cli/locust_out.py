"""Where log lines and tables of `tidal locust` go: as Locust's logging is set up by its flags."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tidal.errors import cannot_write
from tidal.model.text import clean
from tidal.outputs.locust_tables import Widths, widths_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidal.outputs.locust_log import Line

LINE_MAX = 500


class LocustOut:
    """Log lines on standard error or in a file, tables on standard error.

    Args:
        level: lines below it are left out.
        logfile: None: standard error. Tables stay on standard error.
        skip: --skip-log-setup: as Python logs by itself, bare and warnings alone, and no tables.
    """

    def __init__(self, level: str, logfile: str | None, *, skip: bool) -> None:
        self._least = logging.getLevelNamesMapping()[level]
        self._skip = skip
        self._host = clean(socket.gethostname(), 80)
        self._file: IO[str] | None = _opened(logfile) if logfile and not skip else None

    def line(self, line: Line) -> None:
        """One line of ours."""
        grade = logging.getLevelNamesMapping()[line.level]
        if self._skip:
            if grade >= logging.WARNING:
                self.raw(clean(line.text, LINE_MAX))
        elif grade >= self._least:
            now_s = time.time()
            stamp = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(now_s))},{int(now_s * 1000) % 1000:03}"
            self.raw(f"[{stamp}] {self._host}/{line.level}/{line.logger}: {clean(line.text, LINE_MAX)}")

    def raw(self, text: str) -> None:
        """A line of logging that is made already: the user code's own."""
        with contextlib.suppress(BrokenPipeError):
            print(text, file=self._file or sys.stderr, flush=True)

    def table(self, lines: Iterable[str]) -> None:
        """A table and an empty line after it."""
        if not self._skip:
            with contextlib.suppress(BrokenPipeError):
                print("\n".join(lines), end="\n\n", file=sys.stderr, flush=True)

    def widths(self) -> Widths:
        """How wide tables are: as wide as the terminal, or as Locust's where there is none."""
        if not sys.stderr.isatty():
            return Widths()
        return widths_for(os.get_terminal_size(sys.stderr.fileno()).columns or 80)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()


def _opened(name: str) -> IO[str]:
    path = Path(name).expanduser()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a", encoding="utf8")
    except OSError as error:
        raise cannot_write(name, error) from None
