"""What the run's user code says on this machine: new lines of its processes' log files, sorted as Locust sorts them.

Logging and tracebacks belong on standard error, what a file prints on standard output. Both are in one log file, so
the look of a line decides.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from tidal.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READ_BYTES = 1 << 18
"""So much of each file is read at a look: a file that says more is behind, and catches up."""
LINE_CELLS_MAX = 2_000
PARTIAL_BYTES_MAX = 64 * 1024
_LOGGED = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] ")
_TRACEBACK = "Traceback (most recent call last):"
_BETWEEN = ("During handling of the above exception", "The above exception was the direct cause")


class Tail:
    """Follows every log file of a run on this machine.

    Args:
        folder: where the logs are.
        run: the run's id, with which their names begin.
    """

    def __init__(self, folder: Path, run: str) -> None:
        self._folder, self._run = folder, run
        self._files: dict[Path, LogFile] = {}

    def lines(self, *, all_of_it: bool = False) -> Iterator[tuple[bool, str]]:
        """Whole lines that are new, cleaned, each with whether it is logging; `all_of_it`: an unfinished one, too."""
        for path in sorted(self._folder.glob(f"{self._run}-*.log")):
            log = self._files.setdefault(path, LogFile(path))
            yield from log.lines(all_of_it=all_of_it)


class LogFile:
    """One log file, read to its end again and again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._partial = b""
        self._in_traceback = False

    def lines(self, *, all_of_it: bool = False) -> Iterator[tuple[bool, str]]:
        """New lines; True for logging."""
        *whole, self._partial = (self._partial + self._read(all_of_it=all_of_it)).split(b"\n")
        if self._partial and (all_of_it or len(self._partial) > PARTIAL_BYTES_MAX):
            whole.append(self._partial)
            self._partial = b""
        for data in whole:
            text = data.decode("utf8", "replace").removesuffix("\r")
            yield self._is_logging(text), clean(text, LINE_CELLS_MAX)

    def _read(self, *, all_of_it: bool) -> bytes:
        try:
            with self._path.open("rb") as file:
                self._at = min(self._at, file.seek(0, os.SEEK_END))  # one that grew too large was emptied
                file.seek(self._at)
                data = file.read(-1 if all_of_it else READ_BYTES)
        except OSError:
            return b""
        self._at += len(data)
        return data

    def _is_logging(self, line: str) -> bool:
        """Whether a line belongs on standard error: a log line, a traceback, and the exception at its end."""
        if _LOGGED.match(line):
            self._in_traceback = False
            return True
        if line.startswith((_TRACEBACK, *_BETWEEN)):
            self._in_traceback = True
            return True
        if not self._in_traceback:
            return False
        self._in_traceback = line[:1] in ("", " ", "\t")
        return True
