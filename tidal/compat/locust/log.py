"""Locust's `locust.log`."""

import logging
import re
import socket
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tidal.hooks import note_failure

HOSTNAME = re.sub(r"\..*", "", socket.gethostname())
LINES_MAX = 500

unhandled_greenlet_exception = False
"""Whether code of the file's raised where nobody awaits it: the exit code is 2 then."""


class LogReader(logging.Handler):
    """Keeps the last lines."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: deque[str] = deque(maxlen=LINES_MAX)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self.logs.append(self.format(record))


def setup_logging(loglevel: str, logfile: str | None = None) -> None:
    """Log in Locust's form to standard error, or to a file; the statistics' tables go to standard error bare."""
    level = loglevel.upper()
    if level not in logging.getLevelNamesMapping():
        sys.stderr.write(f"Invalid --loglevel. Valid values are: DEBUG/INFO/WARNING/ERROR/CRITICAL, not {loglevel}\n")
        raise SystemExit(1)
    host = HOSTNAME.replace("%", "%%")
    stamped = logging.Formatter(f"[%(asctime)s] {host}/%(levelname)s/%(name)s: %(message)s")
    reader, console = LogReader(), _to(logfile)
    for handler in (reader, console):
        handler.setFormatter(stamped)
    _let(logging.getLogger(), level, console, reader)
    logging.getLogger("locust").setLevel(level)
    tables = logging.getLogger("locust.stats_logger")
    _let(tables, "INFO", logging.StreamHandler(), reader)
    tables.propagate = False


def _to(logfile: str | None) -> logging.Handler:
    if not logfile:
        return logging.StreamHandler()
    Path(logfile).parent.mkdir(parents=True, exist_ok=True)
    return logging.FileHandler(logfile, encoding="utf8")


def _let(logger: logging.Logger, level: str, *handlers: logging.Handler) -> None:
    """Have a logger go to these handlers and no others."""
    for old in logger.handlers[:]:
        logger.removeHandler(old)
        old.close()
    for handler in handlers:
        logger.addHandler(handler)
    logger.setLevel(level)


def get_logs() -> list[str]:
    """The last lines that were logged since `setup_logging`."""
    readers = [handler for handler in logging.getLogger().handlers if isinstance(handler, LogReader)]
    return [line for reader in readers for line in reader.logs]


def greenlet_exception_logger(logger: logging.Logger, level: int = logging.CRITICAL) -> Callable[[Any], None]:
    """A function for `greenlet.link_exception`: logs what it died of, and has the exit code 2."""

    def log(greenlet: Any) -> None:
        global unhandled_greenlet_exception  # noqa: PLW0603 - Locust's own flag, which files read
        note_failure()
        unhandled_greenlet_exception = True
        said = level
        if isinstance(greenlet.exception, SystemExit):
            said = logging.DEBUG
            logger.log(min(logging.INFO, level), "sys.exit(%s) called in a greenlet", greenlet.exception)
        logger.log(said, "Unhandled exception in greenlet: %s", greenlet, exc_info=greenlet.exc_info)

    return log
