"""A row of a CSV file for each request, for analysis that needs single values.

    requests = CsvRequestLogger("requests.csv")

    @events.init.add_listener
    def begin(environment, **_):
        requests.register(environment)

Every process of a run on one machine writes to the same file, in whole lines. A run begins it anew: whoever finds that
no process has it open empties it.
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

CSV_COLUMNS = (
    "timestamp",
    "request_type",
    "name",
    "response_time_ms",
    "response_length",
    "status_code",
    "exception",
)


class CsvRequestLogger:
    """Writes what the `request` hook tells.

    Args:
        filepath: the file; its folder must be there.
        flush_interval: after how many rows they are written; 1 writes each at once.
    """

    def __init__(self, filepath: str | Path, *, flush_interval: int = 1) -> None:
        self.filepath = filepath
        self.flush_interval = max(1, flush_interval)
        self._fd: int | None = None
        self._rows = io.StringIO()
        self._writer = csv.writer(self._rows)
        self._pending = 0

    def register(self, environment: Any) -> None:
        """Listen from now on, until `quitting`; once, best in a listener of `init`."""
        environment.events.request.add_listener(self._on_request)
        environment.events.quitting.add_listener(self._on_quitting)
        self.close()
        self._fd = _open(os.fspath(self.filepath))

    def close(self) -> None:
        """Write what is left and close the file; more than once does no harm."""
        if self._fd is not None:
            self._flush()
            os.close(self._fd)
            self._fd = None

    def _on_request(
        self,
        *,
        request_type: str,
        name: str,
        response_time: float | None,
        response_length: int,
        exception: Any = None,
        response: Any = None,
        start_time: float | None = None,
        **_: Any,
    ) -> None:
        if self._fd is None:
            return
        began_s = time.time() if start_time is None else start_time
        taken_ms = "" if response_time is None else round(response_time, 2)
        status = _status_code(response)
        trouble = "" if exception is None else str(exception)
        self._writer.writerow([round(began_s, 6), request_type, name, taken_ms, response_length, status, trouble])
        self._pending += 1
        if self._pending >= self.flush_interval:
            self._flush()

    def _on_quitting(self, **_: Any) -> None:
        self.close()

    def _flush(self) -> None:
        """Hand over whole lines in one write, which the system appends as one."""
        text, self._pending = self._rows.getvalue(), 0
        self._rows.seek(0)
        self._rows.truncate()
        if self._fd is not None and text:
            os.write(self._fd, text.encode())


def _open(path: str) -> int:
    """The file, to append to, with its header; emptied if nobody else has it open."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(fd, fcntl.LOCK_SH)  # given once the header is there
        return fd
    os.ftruncate(fd, 0)
    os.write(fd, (",".join(CSV_COLUMNS) + "\r\n").encode())
    fcntl.flock(fd, fcntl.LOCK_SH)
    return fd


def _status_code(response: Any) -> int:
    """The status of an HTTP response; 0 for what has none."""
    try:
        return int(response.status_code)
    except (AttributeError, TypeError, ValueError):
        return 0
