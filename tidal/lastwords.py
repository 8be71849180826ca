"""What processes say on stderr, and what is known of a child that did not answer: how it ended, what it said last."""

from __future__ import annotations

import os
import re
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from tidal.errors import FileImportError

if TYPE_CHECKING:
    from pathlib import Path

    from tidal.process import Child

IMPORT_S = 60.0
"""How long the import of a locustfile may take when it is looked into before a run."""
STACKS_S = IMPORT_S - 3
"""When the child writes into its log where it is; gevent's own frames are many, hence the length below."""
STACK_S = 2.0
LAST_WORDS_BYTES = 4_000
LOG_BYTES_MAX = 64 << 20
"""How much may be printed into one log of user code."""
CRASHES = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL})
INVALID_FD = "libev: I/O watcher with invalid fd"
"""What gevent's loop ends with when somebody closed a descriptor under it."""
CLOSED_OURS = "its code closed a descriptor of tidal's"
_PLACE = re.compile(r'^  File "([^"]+)", line (\d+) in (.+)$', re.MULTILINE)


def to_stderr(text: str) -> None:
    """Print a line for whoever reads the log. Never an error: on a full disk the run is worth more than a line."""
    with suppress(OSError, ValueError):  # ValueError: it is closed
        print(text, file=sys.stderr, flush=True)


def last_words(log_path: Path) -> str:
    """The end of a log, for an error's message; "" when there is nothing."""
    with suppress(OSError), log_path.open("rb") as log:
        log.seek(max(0, os.fstat(log.fileno()).st_size - LAST_WORDS_BYTES))
        return log.read().decode(errors="replace").strip()
    return ""


def keep_small(log_path: Path, bytes_max: int = LOG_BYTES_MAX) -> bool:
    """Empty a log that user code fills, before it fills the disk; True then. Who appends to it goes on."""
    with suppress(OSError):
        if log_path.stat().st_size <= bytes_max:
            return False
        os.truncate(log_path, 0)
        with log_path.open("ab") as log:
            log.write(b"[tidal] more than %d MB were printed here: they were removed\n" % (bytes_max >> 20))
        return True
    return False


def how_it_ended(code: int) -> str:
    """An exit status in words; negative ones are signals."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def why_it_died(code: int, root: Path, log_path: Path) -> str:
    """How a process of user code ended; of a crash, by the stack it left, also where in the test's own files."""
    said = last_words(log_path) if -code in CRASHES else ""
    if INVALID_FD in said:
        return CLOSED_OURS
    at = place_in(root, said)
    return how_it_ended(code) + (f" at {at}" if at else "")


def import_died(child: Child, root: Path, log_path: Path) -> FileImportError:
    """The error for a locustfile whose import ended the process: with the line that it was at, or its last words."""
    how, said = how_it_ended(child.stop(1)), last_words(log_path)
    at = place_in(root, said)
    rest = f" at {at}" if at else f": {said}" if said else ""
    return FileImportError(f"the process that imported the locustfile died ({how}){rest}")


def import_took_long(root: Path, log_path: Path, limit_s: float = IMPORT_S) -> FileImportError:
    """The error for a locustfile that is not imported in time, with the line that it was at."""
    at = place_in(root, last_words(log_path))
    return FileImportError(
        f"importing the locustfile took more than {limit_s:g} s" + (f": it was at {at}" if at else "")
    )


def ask_where(child: Child) -> None:
    """End a child so that it leaves its stack in its log: for one that is not waited for until it does so by itself."""
    with suppress(OSError):
        os.kill(child.pid, signal.SIGABRT)
    child.wait(STACK_S)


def place_in(root: Path, traces: str) -> str:
    """The innermost line of a file below the root, in stacks as `faulthandler` writes them: newest call first."""
    for path, line, function in _PLACE.findall(traces):
        if path.startswith(f"{root}/"):
            name = path.removeprefix(f"{root}/")
            return f"{name}:{line}" + ("" if function == "<module>" else f" in {function}")
    return ""
